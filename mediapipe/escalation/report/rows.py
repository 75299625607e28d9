from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from mediapipe.escalation.report.case import Case
from mediapipe.lifecycle.export import escape_formula
from mediapipe.models import MediaItem
from mediapipe.models.chunks import in_chunks
from mediapipe.models.delays import span, waited_s
from mediapipe.providers.base import Kind
from mediapipe.redaction import strip_url_secrets

# A contract: keys are never renamed or reordered, new ones are added at the end.
KEYS = (
    "media_url",
    "kind",
    "account_sid",
    "message_sid",
    "call_sid",
    "recording_sid",
    "media_sid",
    "home_region",
    "webhook_received_at",
    "webhook_received_at_local",
    "first_attempt_at",
    "first_attempt_at_local",
    "not_found_at",
    "not_found_at_local",
    "retrieved_at",
    "retrieved_at_local",
    "status",
    "not_found_because",
    "attempts",
    "not_found_count",
    "delay_at_least_s",
    "delay_at_most_s",
    "http_status",
    "twilio_code",
    "not_found_request_ids",
    "last_request_id",
)
NOT_FOUND = 404
Row = dict[str, Any]


def iter_rows(case: Case) -> Iterator[Row]:
    """Yield the rows of the affected media in order of receipt; loads one chunk at a time."""
    media = case.affected.order_by("received_at", "pk")
    # The parameters of the webhook are large, and contain private texts and numbers.
    media = media.select_related("event").defer("event__parameters")
    for item in in_chunks(media.prefetch_related("attempt_set")):
        yield build_row(item, case)


def build_row(media: MediaItem, case: Case) -> Row:
    """Return the media item under KEYS; keys that may have several values have a list."""
    event = media.event
    recording = media.kind == Kind.RECORDING
    attempts = sorted(media.attempt_set.all(), key=lambda attempt: attempt.number)
    not_found = [attempt for attempt in attempts if attempt.http_status == NOT_FOUND]
    not_found_at = [attempt.started_at for attempt in not_found]
    regions = (attempt.home_region for attempt in reversed(attempts))
    delay = span(media)
    values = (
        strip_url_secrets(media.media_url),
        media.kind,
        media.account_sid,
        None if recording else event.subject_sid,
        event.call_sid,
        event.subject_sid if recording else None,
        None if recording else media.media_sid,
        # Twilio names the region in its responses; the last one is the most current.
        next(filter(None, regions), event.home_region),
        *_utc_and_local(media.received_at, case),
        *_utc_and_local(media.first_attempt_at, case),
        list(map(in_utc, not_found_at)),
        [in_zone(moment, case) for moment in not_found_at],
        *_utc_and_local(media.retrieved_at, case),
        media.status,
        media.not_found_because,
        media.attempts,
        len(not_found),
        round(waited_s(media) or 0.0, 6),
        round(delay.at_most_s, 6) if delay else None,
        media.http_status,
        next((attempt.twilio_code for attempt in not_found if attempt.twilio_code), None),
        [attempt.twilio_request_id for attempt in not_found],
        media.twilio_request_id,
    )
    # An empty string is an unknown value, but an empty list is a value.
    return {key: None if value == "" else value for key, value in zip(KEYS, values, strict=True)}


def flat(line: Row) -> Row:
    """Return a row with lists joined by spaces, and "" for unknown values."""
    joined = {
        key: " ".join(value) if isinstance(value, list) else value for key, value in line.items()
    }
    return {key: "" if value is None else value for key, value in joined.items()}


def row_for_csv(line: Row) -> Row:
    """Return a flat row without anything that a spreadsheet would run as a formula."""
    return {key: escape_formula(value) for key, value in flat(line).items()}


def in_utc(moment: datetime) -> str:
    """Return the time as ISO 8601 in UTC, with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def in_zone(moment: datetime, case: Case) -> str:
    """Return the time as ISO 8601 with the offset that the zone had then."""
    return case.local(moment).isoformat(timespec="microseconds")


def _utc_and_local(moment: datetime | None, case: Case) -> tuple[str | None, str | None]:
    if moment is None:
        return None, None
    return in_utc(moment), in_zone(moment, case)
