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
from mediapipe.redaction import mask_phone_numbers

SIDS = {
    "message_sid": re.compile(r"(?:MM|SM|IM)[0-9a-f]{32}"),
    "call_sid": re.compile(r"CA[0-9a-f]{32}"),
    "recording_sid": re.compile(r"RE[0-9a-f]{32}"),
}
# How people write a phone number on a command line.
WRITTEN_NUMBER = re.compile(r"\+?[\d\s().\-/]{5,30}")
MIN_DIGITS = 5


@dataclass(frozen=True, slots=True)
class ErasureTarget:
    """What to erase: `name` is a key of SIDS, or `number`, whose value is its digits."""

    name: str
    value: str

    @classmethod
    def parse(cls, name: str, value: str) -> Self:
        """Return the target; raise ValueError with a sentence for the user."""
        value = value.strip()
        if name == "number":
            digits = re.sub(r"\D", "", value)
            if not WRITTEN_NUMBER.fullmatch(value) or len(digits) < MIN_DIGITS:
                raise ValueError(
                    f"Write the number like +15550000077, with its country code: {value}"
                )
            return cls(name, digits)
        if not SIDS[name].fullmatch(value):
            raise ValueError(f"{value} is not a {name.replace('_', ' ').replace('sid', 'SID')}.")
        return cls(name, value)

    @property
    def shown(self) -> str:
        """The value as logs and receipts may show it: a number with its last digits only."""
        return mask_phone_numbers(f"+{self.value}") if self.name == "number" else self.value

    @property
    def pattern(self) -> re.Pattern[str]:
        """Matches the value in a text, and a number also with separators or URL-encoded."""
        if self.name != "number":
            return re.compile(re.escape(self.value))
        digits = r"[\s().\-/]{0,2}".join(self.value)
        return re.compile(rf"(?:\+|%2[Bb]|(?<![0-9A-Za-z]))\(?{digits}(?![0-9])")

    def events(self) -> EventQuerySet:
        """Return the events to erase; for a number this reads every event's texts."""
        if self.name == "number":
            return WebhookEvent.objects.filter(pk__in=list(self._ids_with_number()))
        column = "call_sid" if self.name == "call_sid" else "subject_sid"
        return WebhookEvent.objects.filter(**{column: self.value})

    def occurs_in(self, text: str) -> bool:
        return bool(self.pattern.search(text))

    def _ids_with_number(self) -> Iterator[int]:
        end = self.value[-MIN_DIGITS:]
        columns = ("sender", "recipient", "parameters", "repeated__parameters")
        likely = reduce(or_, (Q(**{f"{column}__icontains": end}) for column in columns))
        rows = WebhookEvent.objects.filter(likely).values_list("pk", *columns)
        for pk, *values in rows.iterator():
            # The database also finds it in the middle of a longer number, or of a SID.
            if any(self.occurs_in(text) for text in _texts(values)):
                yield pk


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        else:
            # Parameters are pairs of a name and a value.
            yield from (text for _, text in value or ())
