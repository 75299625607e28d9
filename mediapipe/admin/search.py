"""What somebody typed or pasted into a list's search: SIDs, a media URL, a phone number."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from mediapipe.models import MediaItem, WebhookEvent

SID = re.compile(r"(?<![0-9A-Za-z])([A-Za-z]{2}[0-9a-fA-F]{32})(?![0-9A-Za-z])")
PART_OF_SID = re.compile(r"[A-Za-z]{2}[0-9a-fA-F]{2,31}")
NUMBER = re.compile(r"(?:[a-zA-Z]{2,12}:)?\+?[\d\s().\-/]{5,30}")
# A number stands in a webhook alone or behind its channel.
CHANNELS = ("", "whatsapp:", "rcs:", "messenger:", "sms:")
# A URL names several SIDs, of which the first of these says the most.
MEDIA, RECORDING, CALL, CONFERENCE, CONVERSATION, ACCOUNT = "ME", "RE", "CA", "CF", "CH", "AC"
MESSAGES = ("MM", "SM", "IM")
PRECISION = (MEDIA, RECORDING, *MESSAGES, CALL, CONFERENCE, CONVERSATION, ACCOUNT)
# There is no index for parts of a URL: they are looked for among the newest items alone.
WINDOW = 10_000
MAX_TERMS = 100
MIN_PART = 4

HELP = (
    "SIDs (of media, message, recording, call, conference, conversation or account; whole or "
    "their beginning), a media URL or a part of one, a whole phone number."
)
NO_NUMBERS = "Only those who may see phone numbers can search by them."


@dataclass(slots=True)
class Sought:
    """What a search text asks for; `whole` and `parts` are SIDs, `others` any other words."""

    whole: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, text: str) -> Sought:
        """Return what the text asks for; several SIDs or URLs are looked for at once."""
        text = text.replace("\0", "").strip()
        digits = re.sub(r"\D", "", text)
        if NUMBER.fullmatch(text) and len(digits) >= 5:
            plain = (f"+{digits}", digits)
            numbers = [f"{channel}{number}" for channel in CHANNELS for number in plain]
            return cls(numbers=[text, *numbers])
        sought = cls()
        for word in text.split()[:MAX_TERMS]:
            sought._add(word)
        return sought

    def _add(self, word: str) -> None:
        sids = [_normal(sid) for sid in SID.findall(word)]
        known = [sid for sid in sids if sid[:2] in PRECISION]
        if known:
            self.whole.append(min(known, key=lambda sid: PRECISION.index(sid[:2])))
        elif PART_OF_SID.fullmatch(word) and word[:2].upper() in PRECISION:
            self.parts.append(_normal(word))
        else:
            self.others.append(word)


def found_events(events: QuerySet[WebhookEvent], sought: Sought) -> QuerySet[WebhookEvent]:
    """Return those of the events that were asked for."""
    asked = _of_events(sought) | _matching(sought, {ACCOUNT: "account_sid"})
    media = _of_media(sought, (MEDIA,))
    if media:
        of_media = MediaItem.objects.filter(media).values_list("event_id", flat=True)[:WINDOW]
        asked |= Q(pk__in=list(of_media))
    return events.filter(asked) if asked else events.none()


def found_media(media: QuerySet[MediaItem], sought: Sought) -> QuerySet[MediaItem]:
    """Return those of the media items that were asked for."""
    if sought.numbers:
        numbers = sought.numbers
        return media.filter(Q(event__sender__in=numbers) | Q(event__recipient__in=numbers))
    asked = _of_media(sought, (MEDIA, RECORDING, ACCOUNT))
    of_events = _of_events(sought)
    if of_events:
        # As numbers, because an OR of two tables can use the index of neither.
        events = WebhookEvent.objects.filter(of_events).values_list("pk", flat=True)[:WINDOW]
        asked |= Q(event_id__in=list(events))
    parts = [word for word in sought.others if len(word) >= MIN_PART]
    if parts:
        asked |= _newest() & _part(parts)
    return media.filter(asked) if asked else media.none()


def _newest() -> Q:
    """Match the newest items, as many as WINDOW."""
    received = MediaItem.objects.order_by("-received_at").values_list("received_at", flat=True)
    oldest = received[WINDOW - 1 : WINDOW].first()
    return Q(received_at__gte=oldest) if oldest else Q(pk__gt=0)


def _part(words: list[str]) -> Q:
    asked = Q(twilio_request_id__in=words) | Q(sha256__in=[word.lower() for word in words])
    for word in words:
        asked |= Q(media_url__icontains=word)
    return asked


def _of_media(sought: Sought, prefixes: tuple[str, ...]) -> Q:
    columns = {MEDIA: "media_sid", RECORDING: "media_sid", ACCOUNT: "account_sid"}
    return _matching(sought, {prefix: columns[prefix] for prefix in prefixes})


def _of_events(sought: Sought) -> Q:
    columns = dict.fromkeys((RECORDING, *MESSAGES), "subject_sid")
    columns |= {CALL: "call_sid", CONFERENCE: "conference_sid", CONVERSATION: "conversation_sid"}
    asked = _matching(sought, columns)
    if sought.numbers:
        asked |= Q(sender__in=sought.numbers) | Q(recipient__in=sought.numbers)
    return asked


def _matching(sought: Sought, columns: dict[str, str]) -> Q:
    asked = Q()
    whole: dict[str, list[str]] = {}
    for sid in sought.whole:
        if column := columns.get(sid[:2]):
            whole.setdefault(column, []).append(sid)
    for column, sids in whole.items():
        asked |= Q(**{f"{column}__in": sids})
    for part in sought.parts:
        if column := columns.get(part[:2]):
            # A range can use an ordinary index, and "g" comes after every digit of a SID.
            asked |= Q(**{f"{column}__gte": part, f"{column}__lt": f"{part}g"})
    return asked


def _normal(sid: str) -> str:
    return sid[:2].upper() + sid[2:].lower()
