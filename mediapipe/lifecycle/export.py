"""A media item for other programs: exports, the API and hand-offs share this projection."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from mediapipe.models import MediaItem
from mediapipe.providers.base import Kind

# A contract: keys are never renamed or reordered, new ones are added at the end.
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
# Spreadsheets skip blanks and invisible characters before a formula, and where Chinese or Japanese
# is written they take full-width signs for the usual ones. A cell begins after each separator: that
# of Excel is a semicolon where numbers have a decimal comma, whatever the quotes around the text.
INVISIBLE = r"[\s\x00-\x20\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]*"
SIGNS = r"[=+\-@\uff1d\uff0b\uff0d\uff20]"
FORMULA = re.compile(
    rf"(?P<separator>\A|[;,|\"\t\r\n])(?P<blanks>{INVISIBLE})(?={SIGNS})|\A(?=[\t\r\n])"
)


def media_line(media: MediaItem) -> dict[str, Any]:
    """Return the item under KEYS: times as ISO 8601 with offset, unknown values as None."""
    event = media.event
    recording = media.kind == Kind.RECORDING
    values = (
        media.masked_url,
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
        media.masked_declared_type,
        media.content_type,
        media.size,
        media.sha256,
        # The file of a purged item may already be gone.
        None if media.purged_at else media.storage_name,
        media.purged_at,
        media.reconciled_at,
        media.received_at if media.reconciled_at else None,
    )
    return {key: _plain(value) for key, value in zip(KEYS, values, strict=True)}


def media_document(media: MediaItem) -> dict[str, Any]:
    """Return `media_line` with the item's id, for programs that get items one by one."""
    return {"id": media.pk, **media_line(media)}


def csv_line(media: MediaItem) -> dict[str, Any]:
    """Return `media_line` without anything that a spreadsheet would run as a formula."""
    return {key: escape_formula(value) for key, value in media_line(media).items()}


def escape_formula(value: object) -> object:
    """Put an apostrophe before everything that starts a formula (OWASP: CSV injection).

    Numbers stay numbers.
    """
    safe = r"\g<separator>'\g<blanks>"
    return FORMULA.sub(safe, value) if isinstance(value, str) else value


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return None if value == "" else value
