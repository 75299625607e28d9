"""What somebody wants tried again in the admin is put back to work, batch after batch."""

import time

from django.db import transaction

from mediapipe.celery import app
from mediapipe.models import MediaItem, RetryBatch
from mediapipe.operations.audit_log import log_item_actions
from mediapipe.queueing.broker import broker_errors, queue_capacity
from mediapipe.queueing.dispatch import dispatch
from mediapipe.queueing.time_slice import until_deadline
from mediapipe.settings.queues import RETRIES

# Short enough for a worker that is told to stop; the next run begins within seconds.
RUN_S = 4.0


@app.task(ignore_result=True)
def work_off_retries() -> int:
    """Put batches back to work for some seconds; return how many items went back."""
    batches = until_deadline(iter(work_off_batch, None), time.monotonic() + RUN_S)
    return sum(len(ids) for ids in batches)


def work_off_batch() -> list[int] | None:
    """Put the items of the oldest batch back to work; return their ids, None without a batch.

    Done or not done as a whole: what crashes in between is done by the next run.
    """
    with transaction.atomic():
        batch = RetryBatch.claim()
        if batch is None:
            return None
        media = MediaItem.objects.filter(pk__in=batch.media_ids)
        # First those that wait, for the failed ones wait as well once they are put back.
        ids = [*media.retry_now(), *media.retry()]
        if batch.job.by:
            log_item_actions(batch.job.by, ids, f"Put back to work by job {batch.job.pk}.")
        batch.finish(len(ids))
    _hand_on(ids)
    return ids


def _hand_on(ids: list[int]) -> None:
    """Publish the tasks while the queue has room, so that new webhooks need not wait for them."""
    try:
        room = queue_capacity(RETRIES)
    except broker_errors():
        room = 0
    if room:
        dispatch(ids, RETRIES)
    else:
        MediaItem.objects.mark_undispatched(ids)
