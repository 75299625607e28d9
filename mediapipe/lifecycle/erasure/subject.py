"""Who is to be forgotten: a message, a call, a recording, or whoever has a phone number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Self

from django.db.models import Q

from mediapipe.models import WebhookEvent
from mediapipe.models.events import EventQuerySet
from mediapipe.redaction import masked

SIDS = {
    "message_sid": re.compile(r"(?:MM|SM|IM)[0-9a-f]{32}"),
    "call_sid": re.compile(r"CA[0-9a-f]{32}"),
    "recording_sid": re.compile(r"RE[0-9a-f]{32}"),
}
NUMBER = re.compile(r"\+?[\d\s().\-/]{5,30}")
FEWEST_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Subject:
    """What a request to forget names; `name` is a key of SIDS, or `number`."""

    name: str
    value: str

    @classmethod
    def read(cls, name: str, value: str) -> Self:
        """Return the subject; raise ValueError with a sentence for who wrote it."""
        value = value.strip()
        if name == "number":
            digits = re.sub(r"\D", "", value)
            if not NUMBER.fullmatch(value) or len(digits) < FEWEST_DIGITS:
                raise ValueError(
                    f"A number is written like +15550000077, with its country: {value}"
                )
            return cls(name, digits)
        if not SIDS[name].fullmatch(value):
            raise ValueError(f"{value} is no {name.replace('_', ' ').replace('sid', 'SID')}.")
        return cls(name, value)

    @property
    def shown(self) -> str:
        """The value as it may be written down: a number only with its last digits."""
        return masked(f"+{self.value}") if self.name == "number" else self.value

    def events(self) -> EventQuerySet:
        """Return the events that are about it; for a number every event is looked at."""
        if self.name == "number":
            return WebhookEvent.objects.filter(pk__in=list(self._with_number()))
        column = "call_sid" if self.name == "call_sid" else "subject_sid"
        return WebhookEvent.objects.filter(**{column: self.value})

    def occurs_in(self, text: str) -> bool:
        """Tell whether a text has it, a number also as people write it or escaped for a URL."""
        return bool(self.pattern.search(text))

    @property
    def pattern(self) -> re.Pattern[str]:
        """What finds it in a text."""
        if self.name != "number":
            return re.compile(re.escape(self.value))
        digits = r"[\s().\-/]{0,2}".join(self.value)
        return re.compile(rf"(?:\+|%2[Bb]|(?<![0-9A-Za-z]))\(?{digits}(?![0-9])")

    def _with_number(self) -> Iterator[int]:
        end = self.value[-FEWEST_DIGITS:]
        texts = ("sender", "recipient", "parameters", "repeated__parameters")
        likely = reduce(or_, (Q(**{f"{text}__icontains": end}) for text in texts))
        for pk, *told in WebhookEvent.objects.filter(likely).values_list("pk", *texts).iterator():
            # The database also finds it in the middle of a longer number, or of a SID.
            if any(self.occurs_in(text) for text in _texts(told)):
                yield pk


def _texts(told: Iterable[Any]) -> Iterator[str]:
    for text in told:
        if isinstance(text, str):
            yield text
        else:
            yield from (value for _, value in text or ())
