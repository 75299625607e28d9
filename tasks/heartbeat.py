"""A worker that is connected to the broker says so in the database too."""

from functools import cache
from typing import Any

from celery.signals import heartbeat_sent

from mediapipe.models.heartbeats import WORKER
from mediapipe.pulse import Pulse


@heartbeat_sent.connect
def note_worker(sender: Any, **kwargs: Any) -> None:
    """Called every two seconds by the worker's own clock, from its connection to the broker."""
    pulse_of(sender.eventer.hostname).beat()


@cache
def pulse_of(hostname: str) -> Pulse:
    """Return the only pulse of this worker."""
    return Pulse(f"{WORKER}{hostname}")
