"""The columns that an event in the life of a media item changes. Nothing is written here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from mediapipe.failures import Absence, ErrorDocument, Failure, MediaDeleted, TransientMedia404
from mediapipe.models.delays import Times, queue_lag_s, span, waited_s
from mediapipe.models.media.row import MediaRow
from mediapipe.models.status import Status
from mediapipe.providers.base import Evidence, NotFoundCause


def ended(failure: Failure) -> dict[str, Any]:
    """Return the columns of an item for which no further attempt will be made."""
    absent = isinstance(failure, Absence)
    cause = {"not_found_because": NotFoundCause.DELETED}
    return {
        "status": Status.ABSENT if absent else Status.FAILED,
        "failed_at": None if absent else timezone.now(),
        **(cause if isinstance(failure, MediaDeleted) else {}),
        "error": failure.slug,
        "detail": failure.detail[:255],
        "next_attempt_at": None,
        "sweep_at": None,
    }


def first_attempt(media: MediaRow, at: datetime) -> dict[str, Any]:
    """Return the columns of an item whose first attempt began at this time."""
    times = Times.copy(media, first_attempt_at=at)
    return {"first_attempt_at": at, "queue_lag_s": queue_lag_s(times)}


def availability(
    media: MediaRow, failure: Failure | None, evidence: Evidence, started_at: datetime
) -> dict[str, Any]:
    """Return the columns that bound when the media became available, after the latest attempt.

    A 404 moves the lower bound to when its attempt started; any other response is an upper bound.
    """
    if isinstance(failure, ErrorDocument):
        # An error page with status 200 shows neither that the media is available nor that it isn't.
        return {}
    counted = {}
    if isinstance(failure, TransientMedia404) or evidence.http_status == 404:
        counted = {"not_found_count": media.not_found_count + 1}
        times = Times.copy(media, last_not_found_at=started_at, found_at=None)
    else:
        times = Times.copy(media, found_at=media.found_at or evidence.found_at)
    delay = span(times)
    return counted | {
        "last_not_found_at": times.last_not_found_at,
        "found_at": times.found_at,
        "delay_at_least_s": waited_s(times),
        "delay_at_most_s": delay.at_most_s if delay else None,
    }
