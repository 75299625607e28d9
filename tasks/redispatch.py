import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from mediapipe.celery import app
from mediapipe.models import Heartbeat, MediaItem
from mediapipe.models.heartbeats import SWEEP
from mediapipe.models.media.recovery import release_silent, requeue_far_ahead, requeue_lost
from mediapipe.queueing.broker import queue_capacity
from mediapipe.queueing.dispatch import dispatch
from mediapipe.settings.queues import MEDIA, RETRIES

logger = logging.getLogger(__name__)


@app.task(ignore_result=True)
def redispatch() -> int:
    """The dispatcher: publish a task for each item that is due, up to the capacity of its queue.

    This covers lost messages, dead workers, slow-phase retries and everything beyond the limits of
    the broker. Return how many items it dispatched.
    """
    Heartbeat.record(SWEEP)
    now = timezone.now()
    release_silent(now)
    requeue_far_ahead(now)
    # Two intervals ahead, so that no item waits for the next run or the one after it. The worker
    # holds the message until its item is due, two intervals at most.
    ahead = timedelta(seconds=2 * settings.REDISPATCH_INTERVAL_S)
    dispatched = 0
    for queue, media in (
        (MEDIA, MediaItem.objects.untried()),
        (RETRIES, MediaItem.objects.tried()),
    ):
        capacity = queue_capacity(queue)
        if capacity == settings.QUEUE_MAX_MESSAGES:
            requeue_lost(media, now)
        due = media.claim_due(capacity, ahead) if capacity else {}
        if due:
            dispatch([*due], queue, due)
            logger.info("media items dispatched to queue %s: %d", queue, len(due))
            dispatched += len(due)
    return dispatched
