import time

from django.db import transaction

from mediapipe.celery import app
from mediapipe.models import MediaItem, RetryBatch
from mediapipe.operations.audit_log import log_changes
from mediapipe.queueing.broker import queue_capacity
from mediapipe.queueing.dispatch import dispatch
from mediapipe.queueing.time_slice import until_deadline
from mediapipe.settings.queues import RETRIES

# Short enough not to delay a worker's shutdown; the next run starts within seconds.
RUN_S = 4.0


@app.task(ignore_result=True)
def work_off_retries() -> int:
    """Retry batch after batch for RUN_S seconds; return how many media items were retried."""
    batches = until_deadline(iter(retry_next_batch, None), time.monotonic() + RUN_S)
    return sum(len(ids) for ids in batches)


def retry_next_batch() -> list[int] | None:
    """Retry the items of the oldest batch; return their ids, or None without a batch."""
    # All or nothing: after a crash the batch is still there, and the next run retries it.
    with transaction.atomic():
        batch = RetryBatch.claim()
        if batch is None:
            return None
        media = MediaItem.objects.filter(pk__in=batch.media_ids)
        # The waiting ones first, because retry() turns the failed ones into waiting ones.
        ids = [*media.retry_now(), *media.retry()]
        if batch.job.by:
            retried = media.filter(pk__in=ids).only("media_sid", "identity")
            log_changes(batch.job.by, retried, f"Retried by job {batch.job.pk}.")
        batch.finish(len(ids))
    # Thousands of retries must not fill the queue ahead of new webhooks.
    if queue_capacity(RETRIES):
        dispatch(ids, RETRIES)
    else:
        MediaItem.objects.mark_undispatched(ids)
    return ids
