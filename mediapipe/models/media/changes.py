"""What an end, or the answer to an attempt, changes in the row of a media item.

No row is written here: each function returns the columns with their new values, and leaves the
times among them in the item that it was given.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from mediapipe.failures import (
    Absence,
    ErrorDocument,
    Failure,
    MediaDeleted,
    TransientMedia404,
)
from mediapipe.models.delays import queue_lag_s, span, waited_s
from mediapipe.models.status import Status
from mediapipe.providers.base import NotFoundCause

if TYPE_CHECKING:
    from mediapipe.models.media.item import MediaItem
    from mediapipe.providers.base import Evidence


def ended(failure: Failure) -> dict[str, Any]:
    """Return what changes when no further attempt will be made."""
    absent, deleted = isinstance(failure, Absence), isinstance(failure, MediaDeleted)
    return {
        "status": Status.ABSENT if absent else Status.FAILED,
        "failed_at": None if absent else timezone.now(),
        **({"not_found_because": NotFoundCause.DELETED} if deleted else {}),
        "error": failure.slug,
        "detail": failure.detail[:255],
        "next_attempt_at": None,
        "sweep_at": None,
    }


def first_tried(media: MediaItem, at: datetime) -> dict[str, Any]:
    """Return the queue lag, now that the first attempt began at this time."""
    media.first_attempt_at = at
    return {"first_attempt_at": at, "queue_lag_s": queue_lag_s(media)}


def seen(media: MediaItem, failure: Failure, evidence: Evidence) -> dict[str, Any]:
    """Return what a failed attempt tells about when the media became available."""
    if isinstance(failure, ErrorDocument):
        return {}
    if isinstance(failure, TransientMedia404) or evidence.http_status == 404:
        not_found = {"not_found_count": media.not_found_count + 1}
        return not_found | _available(media, media.attempt.started_at, None)
    return found(media, evidence)


def found(media: MediaItem, evidence: Evidence) -> dict[str, Any]:
    """Return between which bounds the media became available, now that it was no 404."""
    return _available(media, media.last_not_found_at, media.found_at or evidence.found_at)


def _available(
    media: MediaItem, not_before: datetime | None, found_at: datetime | None
) -> dict[str, Any]:
    media.last_not_found_at, media.found_at = not_before, found_at
    delay = span(media)
    return {
        "last_not_found_at": not_before,
        "found_at": found_at,
        "delay_at_least_s": waited_s(media),
        "delay_at_most_s": delay.at_most_s if delay else None,
    }
