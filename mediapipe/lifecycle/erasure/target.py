from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Self
from urllib.parse import quote, unquote_plus

from django.db.models import Q

from mediapipe.models import GatewayDelivery, WebhookEvent
from mediapipe.models.chunks import in_chunks
from mediapipe.models.events import EventQuerySet
from mediapipe.redaction import is_address, mask_address

SIDS = {
    "message_sid": re.compile(r"(?:MM|SM|IM)[0-9a-f]{32}"),
    "call_sid": re.compile(r"CA[0-9a-f]{32}"),
    "recording_sid": re.compile(r"RE[0-9a-f]{32}"),
}
# How people write a phone number on a command line.
WRITTEN_NUMBER = re.compile(r"(?:[A-Za-z]{2,20}:)?\+?[\d\s().\-/]{5,30}")
MIN_DIGITS = 5
# Between the digits of a number: spaces, dashes and brackets of any script, invisible marks, the
# (0) of +49 (0) 151, and each of them URL-encoded.
GAP = r"(?:\(0\)|%[0-9A-Fa-f]{2}|[\W_]){0,6}"
# Before a number: + or the international prefix (Europe, East Asia, Australia, North America).
PREFIX = rf"(?:\+|%2[Bb]|(?<![0-9A-Za-z])(?:(?:00|001|0011|010|011){GAP})?)"
# Full-width digits and those of other scripts, to ASCII digits.
DIGITS = {
    code: str(unicodedata.digit(chr(code)))
    for code in range(0x80, sys.maxunicode)
    if unicodedata.digit(chr(code), None) is not None
}
ESCAPED = re.compile(r"\\u([0-9A-Fa-f]{4})")
# An address must not match within a longer one: ada@example.com is not in x.ada@example.com.
BEFORE = r"(?:(?<![\w.+\-])|(?<=%[0-9A-Fa-f]{2})(?<!%2[Bb]))"
AFTER = r"(?!\w|[.+@\-]\w|%(?:2[BbDdEe]|40|5[Ff])\w)"


@dataclass(frozen=True, slots=True)
class ErasureTarget:
    """What to erase: `name` is a key of SIDS, `number` or `sender`.

    The value of a number is its digits; a sender is any other address of a person.
    """

    name: str
    value: str

    @classmethod
    def parse(cls, name: str, value: str) -> Self:
        """Return the target; raise ValueError with a sentence for the user."""
        value = value.strip()
        if name == "number":
            return cls._parse_address(value)
        if not SIDS[name].fullmatch(value):
            raise ValueError(f"{value} is not a {name.replace('_', ' ').replace('sid', 'SID')}.")
        return cls(name, value)

    @classmethod
    def _parse_address(cls, value: str) -> Self:
        digits = re.sub(r"\D", "", value)
        if WRITTEN_NUMBER.fullmatch(value) and len(digits) >= MIN_DIGITS:
            return cls("number", digits)
        bare = value.removeprefix("whatsapp:")
        # A plain name is refused, because it may be a word in other people's texts.
        if not is_address(bare):
            raise ValueError(
                "Write a phone number with its country code (+15550000077), a WhatsApp user ID "
                "(US.13491208655302741918), an e-mail address, or an address with its channel "
                f"(client:alice); for other senders use --message-sid: {value}"
            )
        return cls("sender", bare)

    @property
    def shown(self) -> str:
        """The value as logs and receipts may show it: only the end of an address."""
        if self.name in SIDS:
            return self.value
        return mask_address(f"+{self.value}" if self.name == "number" else self.value)

    @property
    def pattern(self) -> re.Pattern[str]:
        """Matches the value in a text, URL-encoded or not, and a number also with separators."""
        if self.name in SIDS:
            return re.compile(re.escape(self.value))
        if self.name == "sender":
            written = "".join(map(_literal_or_quoted, self.value))
            return re.compile(BEFORE + written + AFTER, re.IGNORECASE if "@" in self.value else 0)
        return re.compile(rf"{PREFIX}\(?{GAP.join(self.value)}(?![0-9])")

    def events(self) -> EventQuerySet:
        """Return the events to erase; for an address this reads every event's texts."""
        if self.name not in SIDS:
            ids = {*self._ids_with_address(), *self._ids_in_requests()}
            return WebhookEvent.objects.filter(pk__in=ids)
        column = "call_sid" if self.name == "call_sid" else "subject_sid"
        return WebhookEvent.objects.filter(**{column: self.value})

    def occurs_in(self, text: str) -> bool:
        pattern = self.pattern
        if self.name != "number":
            return bool(pattern.search(text))
        # A parameter may be a URL, or JSON.
        decoded = ESCAPED.sub(lambda found: chr(int(found[1], 16)), unquote_plus(text))
        return any(pattern.search(form.translate(DIGITS)) for form in {text, decoded})

    def replaced_in(self, text: str, replacement: str) -> str:
        """Return the text with each occurrence of the value replaced.

        The position of an encoded value is unknown; then the replacement takes the place of the
        whole text.
        """
        form = text.translate(DIGITS) if self.name == "number" else text
        end, parts = 0, []
        for found in self.pattern.finditer(form):
            parts += [text[end : found.start()], replacement]
            end = found.end()
        replaced = "".join([*parts, text[end:]])
        return replacement if self.occurs_in(replaced) else replaced

    def _ids_with_address(self) -> Iterator[int]:
        columns = ("sender", "recipient", "parameters", "repeated__parameters")
        events = WebhookEvent.objects.order_by("pk")
        if self.name == "sender":
            word = _longest_word(self.value)
            likely = reduce(or_, (Q(**{f"{column}__icontains": word}) for column in columns))
            events = events.filter(likely)
        for pk, *values in in_chunks(events.values_list("pk", *columns)):
            # The query selects too much: every event for a number, or those with the word.
            if any(self.occurs_in(text) for text in _texts(values)):
                yield pk

    def _ids_in_requests(self) -> Iterator[int]:
        """Yield the events whose request for an app has the value: their payload may be purged."""
        for delivery in in_chunks(GatewayDelivery.objects.with_request().order_by("pk")):
            if self.occurs_in(delivery.request_text()):
                yield delivery.event_id


def _literal_or_quoted(character: str) -> str:
    return f"(?:{re.escape(character)}|{re.escape(quote(character, safe=''))})"


def _longest_word(text: str) -> str:
    # Neither JSON nor a URL encodes these characters.
    return max(re.findall(r"[0-9A-Za-z]+", text), key=len, default="")


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        else:
            # Parameters are pairs of a name and a value.
            yield from (text for _, text in value or ())
