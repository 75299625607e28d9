"""What became of a media item, in a sentence or two that one can read out on the phone."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from mediapipe.admin.text import counted, duration, ordinal, times
from mediapipe.api.files import why_deleted
from mediapipe.failures import Failure
from mediapipe.models import MediaItem, Status

MEANINGS: dict[str, type[Failure]] = {failure.slug: failure for failure in Failure.all()}


def story(media: MediaItem, now: datetime | None = None) -> str:
    """Return the item's fate so far; `now` is what waiting is measured to."""
    tellers = {
        Status.STORED: _stored,
        Status.FAILED: _failed,
        Status.ABSENT: _absent,
        Status.RETRYING: _waiting,
        Status.FETCHING: _at_work,
        Status.QUEUED: _queued,
    }
    return tellers[Status(media.status)](media, now or timezone.now())


def _stored(media: MediaItem, now: datetime) -> str:
    after = _after(media, media.retrieved_at)
    stored = f"Stored {after}, at the {ordinal(media.attempts)} attempt{_not_found(media)}."
    return f"{stored} The file was deleted {why_deleted(media)}." if media.purged_at else stored


def _failed(media: MediaItem, now: datetime) -> str:
    if not media.attempts:
        return "Failed without an attempt."
    tries = counted(media.attempts, "attempt")
    until = f", {_after(media, media.failed_at)}" if media.failed_at else ""
    return f"Failed after {tries}{until}{_not_found(media)}."


def _absent(media: MediaItem, now: datetime) -> str:
    return "There is no file, and there never was one."


def _waiting(media: MediaItem, now: datetime) -> str:
    tries = counted(media.attempts, "attempt")
    missing = f"Not stored yet, {_after(media, now)} and after {tries}{_not_found(media)}."
    return f"{missing} {_next(media, now)}"


def _at_work(media: MediaItem, now: datetime) -> str:
    return f"Being fetched now, at the {ordinal(media.attempts)} attempt{_not_found(media)}."


def _queued(media: MediaItem, now: datetime) -> str:
    if media.attempts:
        return f"Put back to work after {counted(media.attempts, 'attempt')}; waiting for a worker."
    return f"Waiting for its first attempt, {_after(media, now)}."


def _next(media: MediaItem, now: datetime) -> str:
    due_in_s = (media.next_attempt_at - now).total_seconds() if media.next_attempt_at else 0.0
    return f"Next attempt in {duration(due_in_s)}." if due_in_s > 0 else "The next attempt is due."


def _after(media: MediaItem, moment: datetime | None) -> str:
    since_s = (moment - media.received_at).total_seconds() if moment else None
    return f"{duration(since_s)} after {beginning(media)}"


def beginning(media: MediaItem) -> str:
    """Return what the times of an item are counted from."""
    return "it came to Twilio" if media.reconciled_at else "the webhook"


def _not_found(media: MediaItem) -> str:
    count = media.not_found_count
    return f"; Twilio answered 404 {times(count)}" if count else ""
