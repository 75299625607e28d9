from __future__ import annotations

import re
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from mediapipe.models import MediaItem, WebhookEvent
from mediapipe.redaction import USER_ID, is_address

SID = re.compile(r"(?<![0-9A-Za-z])([A-Za-z]{2}[0-9a-fA-F]{32})(?![0-9A-Za-z])")
SID_PREFIX = re.compile(r"[A-Za-z]{2}[0-9a-fA-F]{2,31}")
NUMBER = re.compile(r"(?:[a-zA-Z]{2,12}:)?\+?[\d\s().\-/]{5,30}")
# Webhooks contain a number alone or with its channel as a prefix.
WHATSAPP = "whatsapp:"
CHANNELS = ("", WHATSAPP, "rcs:", "messenger:", "sms:")
# Of several SIDs in a URL, the first in this order is the most specific.
MEDIA, RECORDING, CALL, CONFERENCE, CONVERSATION, ACCOUNT = "ME", "RE", "CA", "CF", "CH", "AC"
MESSAGES = ("MM", "SM", "IM")
PRECISION = (MEDIA, RECORDING, *MESSAGES, CALL, CONFERENCE, CONVERSATION, ACCOUNT)
# There is no index for parts of a URL, so only the newest items are searched.
WINDOW = 10_000
MAX_TERMS = 100
MIN_PART = 4

HELP = (
    "SIDs of media, messages, recordings, calls, conferences, conversations or accounts (complete "
    "or the first characters), a media URL or part of one, a complete phone number, a WhatsApp "
    "user ID, an e-mail address, or the name of a sender."
)
NOT_FOUND = (
    "Write a phone number completely and with its country code, such as +1 555 765 4321. The "
    "status callback of a recording has no number: search for the SID of the call, unless the "
    "action of <Record> or <Dial> points here too. Parts of a URL are searched in the 10,000 "
    "newest items only."
)
NO_NUMBERS = "Your role may not search by phone number or by another address of a sender."


@dataclass(slots=True)
class SearchQuery:
    """A parsed search: complete SIDs (`whole`), beginnings of SIDs (`parts`), and other words.

    If the whole text is an address, `addresses` are the forms in which it may be stored as sender
    or recipient; otherwise `names` are the text and its words, each compared with both as it is.
    `in_refused` is whether words may match refused URLs: those are the sender's own text, and a
    search for parts of it could reveal an address.
    """

    whole: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    in_refused: bool = True

    @classmethod
    def parse(cls, text: str) -> SearchQuery:
        """Parse the text; it may contain several SIDs or URLs."""
        text = text.replace("\0", "").strip()
        digits = re.sub(r"\D", "", text)
        if NUMBER.fullmatch(text) and len(digits) >= 5:
            plain = (f"+{digits}", digits)
            numbers = [f"{channel}{number}" for channel in CHANNELS for number in plain]
            return cls(addresses=[text, *numbers])
        if is_address(text):
            return cls(addresses=[text, f"{WHATSAPP}{text.removeprefix(WHATSAPP)}", text.lower()])
        query = cls(names=[text])
        for word in text.split()[:MAX_TERMS]:
            query._add(word)
        return query

    def _add(self, word: str) -> None:
        sids = [_normalised(sid) for sid in SID.findall(word)]
        known = [sid for sid in sids if sid[:2] in PRECISION]
        if known:
            self.whole.append(min(known, key=lambda sid: PRECISION.index(sid[:2])))
        elif SID_PREFIX.fullmatch(word) and word[:2].upper() in PRECISION:
            self.parts.append(_normalised(word))
        else:
            self.others.append(word)
            self.names.append(word)

    @property
    def user_id(self) -> str:
        """The WhatsApp user ID that was searched for, without its channel, or ""."""
        bare = self.addresses[0].removeprefix(WHATSAPP) if self.addresses else ""
        return bare if USER_ID.fullmatch(bare) else ""


def matching_events(events: QuerySet[WebhookEvent], query: SearchQuery) -> QuerySet[WebhookEvent]:
    """Return the events that match."""
    matches = _event_sids(query) | _columns_match(query, {ACCOUNT: "account_sid"})
    if with_user_id := _events_with_user_id(query):
        matches |= Q(pk__in=with_user_id)
    media = _media_sids(query, (MEDIA,))
    if media:
        by_media = MediaItem.objects.filter(media).values_list("event_id", flat=True)[:WINDOW]
        matches |= Q(pk__in=list(by_media))
    return events.filter(matches) if matches else events.none()


def matching_media(media: QuerySet[MediaItem], query: SearchQuery) -> QuerySet[MediaItem]:
    """Return the media items that match."""
    if query.addresses:
        found = query.addresses
        matches = Q(event__sender__in=found) | Q(event__recipient__in=found)
        return media.filter(matches | Q(event_id__in=_events_with_user_id(query)))
    matches = _media_sids(query, (MEDIA, RECORDING, ACCOUNT))
    by_event = _event_sids(query)
    if by_event:
        # As ids, because an OR over two tables can use neither table's index.
        events = WebhookEvent.objects.filter(by_event).values_list("pk", flat=True)[:WINDOW]
        matches |= Q(event_id__in=list(events))
    parts = [word for word in query.others if len(word) >= MIN_PART]
    if parts:
        searched = Q() if query.in_refused else ~Q(media_sid="")
        matches |= _newest_items() & searched & _words(parts)
    return media.filter(matches) if matches else media.none()


def _newest_items() -> Q:
    """Match the WINDOW newest items."""
    received = MediaItem.objects.order_by("-received_at").values_list("received_at", flat=True)
    oldest = received[WINDOW - 1 : WINDOW].first()
    return Q(received_at__gte=oldest) if oldest else Q(pk__gt=0)


def _words(words: list[str]) -> Q:
    matches = Q(twilio_request_id__in=words) | Q(sha256__in=[word.lower() for word in words])
    for word in words:
        matches |= Q(media_url__icontains=word)
    return matches


def _media_sids(query: SearchQuery, prefixes: tuple[str, ...]) -> Q:
    columns = {MEDIA: "media_sid", RECORDING: "media_sid", ACCOUNT: "account_sid"}
    return _columns_match(query, {prefix: columns[prefix] for prefix in prefixes})


def _event_sids(query: SearchQuery) -> Q:
    columns = dict.fromkeys((RECORDING, *MESSAGES), "subject_sid")
    columns |= {CALL: "call_sid", CONFERENCE: "conference_sid", CONVERSATION: "conversation_sid"}
    matches = _columns_match(query, columns)
    if found := query.addresses or query.names:
        matches |= Q(sender__in=found) | Q(recipient__in=found)
    return matches


def _events_with_user_id(query: SearchQuery) -> list[int]:
    """Return the ids of the newest events whose parameters contain the WhatsApp user ID.

    It may come with a phone number. ExternalUserId and ParentExternalUserId have no column.
    """
    if not query.user_id:
        return []
    newest = WebhookEvent.objects.order_by("-received_at").values("pk")[:WINDOW]
    events = WebhookEvent.objects.filter(pk__in=newest, parameters__icontains=query.user_id)
    return list(events.values_list("pk", flat=True))


def _columns_match(query: SearchQuery, columns: dict[str, str]) -> Q:
    matches = Q()
    whole: dict[str, list[str]] = {}
    for sid in query.whole:
        if column := columns.get(sid[:2]):
            whole.setdefault(column, []).append(sid)
    for column, sids in whole.items():
        matches |= Q(**{f"{column}__in": sids})
    for part in query.parts:
        if column := columns.get(part[:2]):
            # A range can use an ordinary index, and "g" comes after every digit of a SID.
            matches |= Q(**{f"{column}__gte": part, f"{column}__lt": f"{part}g"})
    return matches


def _normalised(sid: str) -> str:
    return sid[:2].upper() + sid[2:].lower()
