"""The sweep: what no message will bring back in time is handed out again."""

import logging

from mediapipe.celery import app
from mediapipe.models import Heartbeat, MediaItem
from mediapipe.models.heartbeats import SWEEP
from tasks.dispatch import dispatch, waiting_messages

logger = logging.getLogger(__name__)

# More messages than this in the broker would not be worked off any sooner.
ENOUGH_MESSAGES = 1000


@app.task(ignore_result=True)
def redispatch() -> int:
    """Publish a task for every overdue item, as far as the broker's queue has room for them."""
    Heartbeat.note(SWEEP)
    room = ENOUGH_MESSAGES - waiting_messages()
    if room <= 0:
        return 0
    ids = MediaItem.objects.hand_out(room)
    if ids:
        dispatch(ids)
        logger.info("handed out %d overdue media items", len(ids))
    return len(ids)
