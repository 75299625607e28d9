"""The sweep: what no message will bring back in time is handed out again."""

import logging
from datetime import timedelta

from django.conf import settings

from mediapipe.celery import app
from mediapipe.models import Heartbeat, MediaItem
from mediapipe.models.heartbeats import SWEEP
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.queueing.broker import queue_capacity
from mediapipe.queueing.dispatch import dispatch
from mediapipe.settings.queues import MEDIA, RETRIES

logger = logging.getLogger(__name__)


@app.task(ignore_result=True)
def redispatch() -> int:
    """Publish a task for every item that falls due, as far as its queue has room; return how many.

    The sweep looks two intervals ahead, so that no item waits for it: the worker holds a message
    until its item is due, which is only a moment.
    """
    Heartbeat.record(SWEEP)
    media = MediaItem.objects
    return _hand_out(media.untried(), MEDIA) + _hand_out(media.tried(), RETRIES)


def _hand_out(media: MediaQuerySet, queue: str) -> int:
    room = queue_capacity(queue)
    ahead = timedelta(seconds=2 * settings.REDISPATCH_INTERVAL_S)
    due = media.claim_due(room, ahead) if room else {}
    if due:
        dispatch([*due], queue, due)
        logger.info("handed out %d media items to the queue %s", len(due), queue)
    return len(due)
