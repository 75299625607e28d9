from __future__ import annotations

import logging

from mediapipe.failures import Undelivered
from mediapipe.models.outbox import DeliveryStatus, OutboxMessage

logger = logging.getLogger(__name__)


def record_failure(
    message: OutboxMessage, failure: Undelivered, to: str, *, level: int = logging.WARNING
) -> float | None:
    """Schedule the next attempt, or give the message up, and log which.

    Return the seconds until Celery may retry it, as mark_undelivered does. `to` completes
    "attempt 3 to ..."; `level` is that of a failure that will be retried.
    """
    countdown_s = message.mark_undelivered(failure)
    gave_up = message.status == DeliveryStatus.FAILED
    media_id = getattr(message, "media_id", None)
    logger.log(
        logging.ERROR if gave_up else level,
        "attempt %d to %s failed (%s); %s",
        message.attempts,
        to,
        failure.why,
        "giving up" if gave_up else "will retry",
        extra={"media_id": media_id} if media_id else {},
    )
    return countdown_s
