"""A media item for other programs: exports, the API and hand-offs share this projection."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

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
MESSAGE_KEYS = ("sender", "recipient", "text")
# Spreadsheets skip blanks and invisible characters before a formula, and in Chinese and Japanese
# locales they accept full-width signs. A cell begins after each separator: where numbers have a
# decimal comma, Excel splits at semicolons, even within quotes.
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
        # The file of a purged item may already be deleted.
        None if media.purged_at else media.storage_name,
        media.purged_at,
        media.reconciled_at,
        media.received_at if media.reconciled_at else None,
    )
    return {key: _plain(value) for key, value in zip(KEYS, values, strict=True)}


def media_document(media: MediaItem) -> dict[str, Any]:
    """Return `media_line` with the item's id, for programs that get items one by one."""
    return {"id": media.pk, **media_line(media)}


def message_of(media: MediaItem) -> dict[str, Any]:
    """Return sender, recipient and text of the item's message; {} without SHARE_SENDER_AND_TEXT.

    They are read for each response and each attempt, and never stored with a hand-off, so a waiting
    message does not contain what has been erased since.
    """
    if not settings.SHARE_SENDER_AND_TEXT:
        return {}
    event = media.event
    if event.forgotten_at:
        # The payload is erased last, and may still be there.
        return dict.fromkeys(MESSAGE_KEYS)
    values = (event.sender, event.recipient, event.text)
    return {key: _plain(value) for key, value in zip(MESSAGE_KEYS, values, strict=True)}


def csv_line(media: MediaItem) -> dict[str, Any]:
    """Return `media_line` without anything that a spreadsheet would run as a formula."""
    return {key: escape_formula(value) for key, value in media_line(media).items()}


def escape_formula(value: object) -> object:
    """Put an apostrophe before everything that could start a formula (OWASP: CSV injection).

    Numbers stay numbers.
    """
    safe = r"\g<separator>'\g<blanks>"
    return FORMULA.sub(safe, value) if isinstance(value, str) else value


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return None if value == "" else value
