from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from mediapipe.failures import GivenUp
from mediapipe.models import BulkAction, BulkJob, BulkJobMedia, MediaItem

AGE = timedelta(hours=3)
LASTED = timedelta(seconds=4)
# Items that each job skipped because they had changed in the meantime.
SKIPPED = 2
REASON = "The customer has sent it by e-mail."


def save_jobs(recent: list[MediaItem], by: Any, until: datetime) -> None:
    """Save a job that retried stored and failed items, and one that gave up on failed ones."""
    failed = list(MediaItem.objects.failed().order_by("-received_at")[:12])
    retried = [item for item in recent if item.retrieved_at][:20] + failed[3:]
    _save(retried, BulkAction.RETRY, "failed, the last 24 hours", by, until - AGE)
    given_up = failed[:3]
    _save(
        given_up,
        BulkAction.GIVE_UP,
        f"{len(given_up) + SKIPPED} selected media items",
        by,
        until - AGE / 2,
        REASON,
    )
    reasons = {"error": GivenUp.slug, "detail": f"{by}: {REASON}"}
    MediaItem.objects.filter(pk__in=[item.pk for item in given_up]).update(**reasons)


def _save(
    media: list[MediaItem],
    action: BulkAction,
    chosen: str,
    by: Any,
    at: datetime,
    reason: str = "",
) -> None:
    job = BulkJob.objects.create(
        by=by,
        action=action,
        chosen=chosen,
        reason=reason,
        total=len(media) + SKIPPED,
        done=len(media) + SKIPPED,
        changed=len(media),
        started_at=at,
        finished_at=at + LASTED,
    )
    BulkJobMedia.objects.bulk_create([BulkJobMedia(job=job, media=item) for item in media])
