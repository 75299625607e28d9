"""One media item as other programs read it; keys are never renamed, new ones go to the end."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from mediapipe.models import MediaItem
from mediapipe.providers.base import Kind
from mediapipe.redaction import masked

KEYS = (
    "media_url",
    "kind",
    "account_sid",
    "message_sid",
    "call_sid",
    "recording_sid",
    "media_sid",
    "status",
    "webhook_received_at",
    "first_attempt_at",
    "last_not_found_at",
    "retrieved_at",
    "attempts",
    "not_found_count",
    "http_status",
    "twilio_code",
    "twilio_request_id",
    "error",
    "declared_content_type",
    "content_type",
    "size",
    "sha256",
    "storage_name",
    "purged_at",
    "reconciled_at",
    "twilio_created_at",
)
# The content type that a webhook declares is the sender's own word.
# The full-width forms are taken for the usual ones where Chinese or Japanese is written, and
# spreadsheets pass over blanks and over signs that nobody sees.
UNSEEN = r"[\s\x00-\x20\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]*"
FORMULA = re.compile(rf"{UNSEEN}[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


def media_line(media: MediaItem) -> dict[str, Any]:
    """Return the item under KEYS: times as ISO 8601 with offset, unknown values as None."""
    event = media.event
    recording = media.kind == Kind.RECORDING
    values = (
        _url(media),
        media.kind,
        media.account_sid,
        None if recording else event.subject_sid,
        event.call_sid,
        event.subject_sid if recording else None,
        None if recording else media.media_sid,
        media.status,
        None if media.reconciled_at else media.received_at,
        media.first_attempt_at,
        media.last_not_found_at,
        media.retrieved_at,
        media.attempts,
        media.not_found_count,
        media.http_status,
        media.twilio_code,
        media.twilio_request_id,
        media.error,
        # It is whatever a sender made it.
        masked(media.declared_content_type),
        media.content_type,
        media.size,
        media.sha256,
        # Whoever reads this must not look for a file that may be gone already.
        None if media.purged_at else media.storage_name,
        media.purged_at,
        media.reconciled_at,
        media.received_at if media.reconciled_at else None,
    )
    return {key: _plain(value) for key, value in zip(KEYS, values, strict=True)}


def _url(media: MediaItem) -> str:
    """Return the URL as it is fetched, to the letter; a refused one is a sender's own words."""
    return media.media_url if media.media_sid else masked(media.media_url)


def document(media: MediaItem) -> dict[str, Any]:
    """Return the item as other programs get it one by one: `media_line` and its number."""
    return {"id": media.pk, **media_line(media)}


def csv_line(media: MediaItem) -> dict[str, Any]:
    """Return the item as `media_line` does, with nothing in it that a spreadsheet would run."""
    return {key: harmless(value) for key, value in media_line(media).items()}


def harmless(value: object) -> object:
    """Put an apostrophe before what a spreadsheet takes for a formula (OWASP: CSV injection).

    Blanks before it do not make it less of one; numbers stay numbers.
    """
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return None if value == "" else value
