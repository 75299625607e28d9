"""How a process that answers no requests makes known that it is alive."""

from __future__ import annotations

import logging
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

from celery.signals import heartbeat_sent
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from mediapipe.models import Heartbeat
from mediapipe.models.heartbeats import WORKER

logger = logging.getLogger(__name__)

HEARTBEAT_INTERVAL_S = 10.0


class HeartbeatWriter:
    """Writes a heartbeat every PULSE_S at most, as long as `beat` is called.

    A thread of its own writes, so that a database that hangs never holds up who calls; and only
    after a call, so that it does not speak for a process that hangs itself.
    """

    def __init__(self, part: str) -> None:
        self.part = part
        self._felt = threading.Event()
        self._thread: threading.Thread | None = None

    def beat(self) -> None:
        """Say that the process works; costs nothing."""
        self._felt.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while self._felt.wait():
            self._felt.clear()
            self._touch()
            self._write()
            time.sleep(HEARTBEAT_INTERVAL_S)

    def _touch(self) -> None:
        """Make the file young by which a container or a service manager knows that it is alive."""
        if settings.HEARTBEAT_FILE:
            try:
                Path(settings.HEARTBEAT_FILE).touch()
            except OSError as error:
                logger.warning("HEARTBEAT_FILE cannot be written: %s", error.strerror)

    def _write(self) -> None:
        try:
            Heartbeat.note(self.part)
        except (DatabaseError, InterfaceError) as error:
            logger.debug("the heartbeat of %s was not written: %s", self.part, error)
        finally:
            # Kept open it would be one connection more for each process, and dead after a restart.
            connection.close()


@heartbeat_sent.connect
def on_heartbeat_sent(sender: Any, **kwargs: Any) -> None:
    """Called every two seconds by the worker's own clock, from its connection to the broker."""
    pulse_of(sender.eventer.hostname).beat()


@cache
def pulse_of(hostname: str) -> HeartbeatWriter:
    """Return the only pulse of this worker."""
    return HeartbeatWriter(f"{WORKER}{hostname}")
