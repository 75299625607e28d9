"""Refused webhooks are counted, and now and then logged; a flood of them fills nothing."""

import logging
import time

from django.db import DatabaseError, InterfaceError

from mediapipe.models import Rejection

logger = logging.getLogger(__name__)

LOG_EVERY_S = 10.0
_logged_at: dict[str, float] = {}


def count(reason: str) -> None:
    """Count one refused webhook; a database that is away costs only the count."""
    _log(reason)
    try:
        Rejection.add(reason)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("a refused webhook was not counted (%s)", type(error).__name__)


def _log(reason: str) -> None:
    now = time.monotonic()
    if now - _logged_at.get(reason, -LOG_EVERY_S) >= LOG_EVERY_S:
        _logged_at[reason] = now
        logger.warning("refused a webhook: %s", reason)
