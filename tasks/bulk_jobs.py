import time

from django.db import transaction

from mediapipe.celery import app
from mediapipe.models import BulkAction, BulkBatch, MediaItem
from mediapipe.operations.manual_control import give_up, retry
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
    """Retry or give up the oldest batch; return the ids that changed, or None without a batch."""
    # All or nothing: after a crash the batch is still there, and the next run processes it.
    with transaction.atomic():
        batch = BulkBatch.claim()
        if batch is None:
            return None
        job, media = batch.job, MediaItem.objects.filter(pk__in=batch.media_ids)
        gives_up, by = job.action == BulkAction.GIVE_UP, f" by job {job.pk}"
        ids = give_up(media, job.by, job.reason, by) if gives_up else retry(media, job.by, by)
        batch.finish(ids)
    if not gives_up:
        _dispatch(ids)
    return ids


def _dispatch(ids: list[int]) -> None:
    # Thousands of retries must not fill the queue ahead of new webhooks.
    if queue_capacity(RETRIES):
        dispatch(ids, RETRIES)
    else:
        MediaItem.objects.mark_undispatched(ids)
