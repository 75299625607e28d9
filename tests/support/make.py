"""Builders of the rows and messages that most tests start from."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from mediapipe.fetching.completion import outbox_rows, send_signal
from mediapipe.models import MediaItem, WebhookEvent
from mediapipe.providers.base import AnnouncedMedia, Body, Evidence, InboundMessage, Kind
from mediapipe.webhooks.record import record

ACCOUNT = "AC" + "a1" * 16
TOKEN = "12345"
API = "https://api.twilio.com"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def sid(prefix: str) -> str:
    """Return a new random SID such as ME0123... (34 characters)."""
    return prefix + secrets.token_hex(16)


def media_url(message_sid: str, media_sid: str, origin: str = API) -> str:
    return f"{origin}/2010-04-01/Accounts/{ACCOUNT}/Messages/{message_sid}/Media/{media_sid}"


def announced(message_sid: str, **changes: Any) -> AnnouncedMedia:
    """Return a picture as a message announces it."""
    media_sid = sid("ME")
    fields = {
        "identity": media_sid,
        "url": media_url(message_sid, media_sid),
        "media_sid": media_sid,
        "declared_content_type": "image/jpeg",
    }
    return AnnouncedMedia(**fields | changes)


def message(pictures: int = 1, **changes: Any) -> InboundMessage:
    """Return a picture message as the provider parses it."""
    message_sid = sid("MM")
    fields = {
        "kind": Kind.MESSAGE,
        "source": "messaging",
        "account_sid": ACCOUNT,
        "subject_sid": message_sid,
        "parameters": (("MessageSid", message_sid), ("Body", "")),
        "sender": "+15550000002",
        "recipient": "+15550000001",
        "media": tuple(announced(message_sid) for _ in range(pictures)),
    }
    return InboundMessage(**fields | changes)


def recording(**changes: Any) -> InboundMessage:
    """Return a finished call recording as the provider parses it."""
    recording_sid = sid("RE")
    url = f"{API}/2010-04-01/Accounts/{ACCOUNT}/Recordings/{recording_sid}"
    fields = {
        "kind": Kind.RECORDING,
        "source": "recording",
        "account_sid": ACCOUNT,
        "subject_sid": recording_sid,
        "call_sid": sid("CA"),
        "parameters": (("RecordingSid", recording_sid), ("RecordingStatus", "completed")),
        "media": (AnnouncedMedia(identity=recording_sid, url=url, media_sid=recording_sid),),
    }
    return InboundMessage(**fields | changes)


def event(inbound: InboundMessage | None = None, at: datetime | None = None) -> WebhookEvent:
    """Record a message and return its event."""
    return record(inbound or message(), provider="twilio", received_at=at or timezone.now())


def media(inbound: InboundMessage | None = None, at: datetime | None = None) -> MediaItem:
    """Record a message and return its only media item."""
    return event(inbound, at).media.get()


def claimed(inbound: InboundMessage | None = None) -> MediaItem:
    """Record a message and claim its only media item."""
    item = MediaItem.claim(media(inbound).pk)
    assert item is not None
    return item


def store(item: MediaItem, found_at: datetime | None = NOON) -> MediaItem:
    item.mark_stored(
        Evidence(http_status=200, found_at=found_at),
        Body(size=3, sha256="ab" * 32, head=b"abc"),
        content_type="image/jpeg",
        storage_name="a/b.jpg",
        outbox=outbox_rows(item, stored=True),
    )
    send_signal(item)
    return item
