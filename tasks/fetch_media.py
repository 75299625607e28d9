from mediapipe import logs
from mediapipe.celery import DATABASE_AWAY, app
from mediapipe.failures import (
    AccountBusy,
    Failure,
    LeaseHeld,
    LeaseLost,
    TransientFailure,
    TransientMedia404,
)
from mediapipe.fetching.attempt import attempt
from mediapipe.gateway.dispatch import publish_event
from mediapipe.lifecycle.hand_off import publish_stored
from mediapipe.models import MediaItem
from mediapipe.queueing.countdown import CountdownTask
from mediapipe.queueing.limits import countdown_limit
from mediapipe.settings.queues import RETRIES


@app.task(
    bind=True,
    base=CountdownTask,
    retry_queue=RETRIES,
    autoretry_for=(TransientMedia404, TransientFailure, LeaseHeld),
    throws=(Failure, LeaseHeld, LeaseLost, *DATABASE_AWAY),
)
def fetch_media(self: CountdownTask, *, media_id: int) -> str:
    """Make one attempt at a media item; return its status, or `not due` for a duplicate.

    Raises the failure that ended the item, or one that makes Celery retry after the countdown.
    """
    request = self.request
    try:
        media = MediaItem.claim(
            media_id,
            task_id=request.id or "",
            worker=request.hostname or "",
            redelivered=bool((request.delivery_info or {}).get("redelivered")),
        )
    except (AccountBusy, LeaseHeld) as busy:
        self.retry_after(busy.retry_after_s)
        raise
    if media is None:
        return "not due"
    logs.bind(media_id=media.pk, event_id=media.event_id)
    outcome = attempt(media, countdown_allowed=countdown_limit.allows)
    if outcome.delay is None:
        publish_event(media.event_id)
    if outcome.failure is None:
        publish_stored(media.pk)
        return "stored"
    if outcome.delay and outcome.countdown_s is None:
        # The dispatcher publishes the item when it is due.
        return f"retrying: {outcome.failure.slug}"
    self.retry_after(outcome.countdown_s)
    raise outcome.failure
