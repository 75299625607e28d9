from datetime import timedelta
from enum import StrEnum

from django.db import models

# How long a message may lie in the broker before the sweep hands the item out once more.
DELIVERY_TIMEOUT = timedelta(seconds=60)
# Timers fire a little early; a message that is earlier than this is a duplicate.
CLOCK_TOLERANCE = timedelta(seconds=0.1)


class Status(models.TextChoices):
    """queued -> fetching -> retrying -> ... -> stored | failed; absent where nothing ever was."""

    QUEUED = "queued"
    FETCHING = "fetching"
    RETRYING = "retrying"
    STORED = "stored"
    FAILED = "failed"
    ABSENT = "absent"


UNFINISHED = (Status.QUEUED, Status.FETCHING, Status.RETRYING)


class Phase(StrEnum):
    """Who wakes the item up: Celery's countdown, or the sweep of the database."""

    FAST = "fast"
    SLOW = "slow"
