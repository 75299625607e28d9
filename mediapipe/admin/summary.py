from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from mediapipe.admin.text import counted, duration, ordinal, times
from mediapipe.api.files import why_deleted
from mediapipe.failures import Failure
from mediapipe.models import MediaItem, Status

FAILURES: dict[str, type[Failure]] = {failure.slug: failure for failure in Failure.all()}


def media_summary(media: MediaItem, now: datetime | None = None, *, is_paused: bool = False) -> str:
    """Return the state of the item in one or two sentences, as of `now` or the current time.

    While its account is paused, no attempt is due.
    """
    now = now or timezone.now()
    attempts = counted(media.attempts, "attempt")
    count = media.not_found_count
    not_found = f"; Twilio responded 404 {times(count)}" if count else ""
    match media.status:
        case Status.STORED:
            after = _after(media, media.retrieved_at)
            stored = f"Stored {after}, at the {ordinal(media.attempts)} attempt{not_found}."
            deleted = f" The file was deleted {why_deleted(media)}." if media.purged_at else ""
            return stored + deleted
        case Status.FAILED if not media.attempts:
            return "Failed without an attempt."
        case Status.FAILED:
            after = f", {_after(media, media.failed_at)}" if media.failed_at else ""
            return f"Failed after {attempts}{after}{not_found}."
        case Status.ABSENT:
            return "There is no file, and there never was one."
        case Status.RETRYING:
            at = media.next_attempt_at
            due_in_s = (at - now).total_seconds() if at else 0.0
            due = (
                f"Next attempt in {duration(due_in_s)}."
                if due_in_s > 0
                else "The next attempt is due."
            )
            so_far = f"Not stored yet, {_after(media, now)} and after {attempts}{not_found}."
            return so_far if is_paused else f"{so_far} {due}"
        case Status.FETCHING:
            return f"Being fetched now, at the {ordinal(media.attempts)} attempt{not_found}."
        case Status.QUEUED if media.attempts:
            return f"Retried after {attempts}; waiting for a worker."
        case Status.QUEUED:
            return f"Waiting for its first attempt, {_after(media, now)}."
    raise AssertionError(media.status)


def start_label(media: MediaItem) -> str:
    """Return what the times of an item are relative to."""
    return "it arrived at Twilio" if media.reconciled_at else "the webhook"


def _after(media: MediaItem, at: datetime | None) -> str:
    since_s = (at - media.received_at).total_seconds() if at else None
    return f"{duration(since_s)} after {start_label(media)}"
