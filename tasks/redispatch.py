import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from mediapipe.celery import app
from mediapipe.models import Heartbeat, MediaItem
from mediapipe.models.heartbeats import SWEEP
from mediapipe.models.media.recovery import release_silent, requeue_lost
from mediapipe.queueing.broker import queue_capacity
from mediapipe.queueing.dispatch import dispatch
from mediapipe.settings.queues import MEDIA, RETRIES

logger = logging.getLogger(__name__)


@app.task(ignore_result=True)
def redispatch() -> int:
    """The dispatcher: publish a task for each item that is due, up to the capacity of its queue.

    This covers lost messages, dead workers, slow-phase retries and whatever exceeds a limit of the
    broker. Return how many items it dispatched.
    """
    Heartbeat.record(SWEEP)
    now = timezone.now()
    release_silent(now)
    # Two intervals ahead, so that no item waits for the next run or the one after it. The worker
    # holds the message until its item is due, which is only a moment.
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
            logger.info("dispatched %d media items to queue %s", len(due), queue)
            dispatched += len(due)
    return dispatched
