"""One task a media item; how often and how fast it comes back is decided by the item's schedule."""

from mediapipe import logs
from mediapipe.celery import app
from mediapipe.failures import Failure, LeaseLost, TransientFailure, TransientMedia404
from mediapipe.fetching.attempt import attempt
from mediapipe.lifecycle.hand_off import publish_stored
from mediapipe.models import MediaItem, Status
from mediapipe.queueing.countdown import CountdownTask
from mediapipe.queueing.limits import countdown_limit
from mediapipe.settings.queues import RETRIES


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
    if media is None:
        return "not due"
    logs.bind(media_id=media.pk, event_id=media.event_id)
    try:
        outcome = attempt(media)
    except TransientFailure as failure:
        if failure.retry_in_s is None or countdown_limit.allows():
            raise
        media.defer_to_dispatcher()
        return f"retrying: {failure.slug}"
    if media.status == Status.STORED:
        publish_stored(media.pk)
    return outcome
