import logging
import time

from django.db import DatabaseError, InterfaceError

from mediapipe.models import Rejection
from mediapipe.providers.refusals import WebhookRefused

logger = logging.getLogger(__name__)

# Per reason and process, so that a flood of forged requests does not fill the disk.
LOG_EVERY_S = 10.0
_logged_at: dict[str, float] = {}


def count_rejection(refusal: WebhookRefused) -> None:
    """Count and log one refused webhook; if the database is unavailable, only log it."""
    now = time.monotonic()
    if now - _logged_at.get(refusal.reason, -LOG_EVERY_S) >= LOG_EVERY_S:
        _logged_at[refusal.reason] = now
        logger.warning("rejected a webhook: %s", refusal)
    try:
        Rejection.add(refusal.reason)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("a rejected webhook was not counted (%s)", type(error).__name__)
