"""The sweep: what no message will bring back in time is handed out again."""

import logging

from mediapipe.celery import app
from mediapipe.models import Heartbeat, MediaItem
from mediapipe.models.heartbeats import SWEEP
from mediapipe.models.querysets import MediaQuerySet
from mediapipe.queues import MEDIA, RETRIES
from tasks.dispatch import dispatch, room_in

logger = logging.getLogger(__name__)


@app.task(ignore_result=True)
def redispatch() -> int:
    """Publish a task for every overdue item, as far as its queue has room; return how many."""
    Heartbeat.note(SWEEP)
    media = MediaItem.objects
    return _hand_out(media.untried(), MEDIA) + _hand_out(media.tried(), RETRIES)


def _hand_out(media: MediaQuerySet, queue: str) -> int:
    room = room_in(queue)
    ids = media.hand_out(room) if room else []
    if ids:
        dispatch(ids, queue)
        logger.info("handed out %d overdue media items to the queue %s", len(ids), queue)
    return len(ids)
