"""One task a media item; how often and how fast it comes back is decided by the item's schedule."""

from mediapipe import fetch
from mediapipe.celery import app
from mediapipe.failures import Failure, LeaseLost, TransientFailure, TransientMedia404
from mediapipe.models import MediaItem
from mediapipe.queues import RETRIES
from tasks.countdown import CountdownTask


@app.task(
    bind=True,
    base=CountdownTask,
    retry_queue=RETRIES,
    autoretry_for=(TransientMedia404, TransientFailure),
    throws=(Failure, LeaseLost),
)
def fetch_media(self: CountdownTask, *, media_id: int) -> str:
    """Make one attempt at a media item; return its status, or `not due` for a duplicate."""
    request = self.request
    media = MediaItem.claim(media_id, task_id=request.id or "", worker=request.hostname or "")
    return fetch.attempt(media) if media else "not due"
