"""Time that has passed for the code under test."""

from __future__ import annotations

from datetime import timedelta

import time_machine
from django.utils import timezone


def later(**delta: float) -> time_machine.travel:
    """Travel ahead by these parts of a timedelta: `with later(minutes=5):`.

    The clock stands still there, so that bounds hold to the second on a slow machine too.
    """
    return time_machine.travel(timezone.now() + timedelta(**delta), tick=False)
