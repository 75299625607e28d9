import time

from django.db import transaction

from mediapipe.celery import app
from mediapipe.models import BulkAction, BulkBatch, BulkJob, MediaItem
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.operations.audit_log import log_changes
from mediapipe.operations.manual_control import give_up
from mediapipe.queueing.broker import queue_capacity
from mediapipe.queueing.dispatch import dispatch
from mediapipe.queueing.time_slice import until_deadline
from mediapipe.settings.queues import RETRIES

# Short enough not to delay a worker's shutdown; the next run starts within seconds.
RUN_S = 4.0


@app.task(ignore_result=True)
def run_batches() -> int:
    """Process batch after batch for RUN_S seconds; return how many media items were changed."""
    batches = until_deadline(iter(run_next_batch, None), time.monotonic() + RUN_S)
    return sum(len(ids) for ids in batches)


def run_next_batch() -> list[int] | None:
    """Retry or give up the items of the oldest batch; return their ids, or None without a batch."""
    # All or nothing: after a crash the batch is still there, and the next run processes it.
    with transaction.atomic():
        batch = BulkBatch.claim()
        if batch is None:
            return None
        job, media = batch.job, MediaItem.objects.filter(pk__in=batch.media_ids)
        gives_up = job.action == BulkAction.GIVE_UP
        if gives_up:
            ids = give_up(media, job.by, job.reason, f" by job {job.pk}")
        else:
            ids = _retry(media, job)
        batch.finish(ids)
    if not gives_up:
        _dispatch(ids)
    return ids


def _retry(media: MediaQuerySet, job: BulkJob) -> list[int]:
    # The waiting ones first, because retry() turns the failed ones into waiting ones.
    ids = [*media.retry_now(), *media.retry()]
    if job.by:
        retried = media.filter(pk__in=ids).only("media_sid", "identity")
        log_changes(job.by, retried, f"Retried by job {job.pk}.")
    return ids


def _dispatch(ids: list[int]) -> None:
    # Thousands of retries must not fill the queue ahead of new webhooks.
    if queue_capacity(RETRIES):
        dispatch(ids, RETRIES)
    else:
        MediaItem.objects.mark_undispatched(ids)
