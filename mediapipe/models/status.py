from datetime import timedelta
from enum import StrEnum

from django.conf import settings
from django.db import models

# How long a message may be in the broker before the dispatcher publishes the item again.
DELIVERY_TIMEOUT = timedelta(seconds=60)
# Timers may fire slightly early; a message that is earlier than this is a duplicate.
CLOCK_TOLERANCE = timedelta(seconds=0.1)


class Status(models.TextChoices):
    """queued -> fetching -> retrying -> ... -> stored | failed; absent: there never was a file."""

    QUEUED = "queued"
    FETCHING = "fetching"
    RETRYING = "retrying"
    STORED = "stored"
    FAILED = "failed"
    ABSENT = "absent"


UNFINISHED = (Status.QUEUED, Status.FETCHING, Status.RETRYING)


class Phase(StrEnum):
    """What starts the next attempt: Celery's countdown, or the dispatcher from the database."""

    FAST = "fast"
    SLOW = "slow"


def longest_fast_wait() -> timedelta:
    """Return how far ahead a time outside the slow phase can be, unless the clock was set back."""
    return timedelta(seconds=settings.RETRY_FAST_WINDOW_S) + 2 * DELIVERY_TIMEOUT
