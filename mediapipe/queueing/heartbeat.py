from __future__ import annotations

import logging
import threading
import time
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from mediapipe.models import Heartbeat
from mediapipe.models.heartbeats import WORKER

logger = logging.getLogger(__name__)

HEARTBEAT_INTERVAL_S = 3.0


class HeartbeatWriter:
    """Writes a heartbeat at most every HEARTBEAT_INTERVAL_S while `touch` is being called.

    A thread writes it, so that a database that hangs never blocks the caller. It writes only after
    a call, so that a process whose main loop hangs is not reported as alive.
    """

    def __init__(self, component: str) -> None:
        self.component = component
        self._due = threading.Event()
        self._thread: threading.Thread | None = None

    def touch(self) -> None:
        """Note that the process is working; cheap enough to call at every tick."""
        self._due.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while self._due.wait():
            self._due.clear()
            self._write()
            time.sleep(HEARTBEAT_INTERVAL_S)

    def _write(self) -> None:
        # The file first: a container's health check reads it, and must not fail with the database.
        if settings.HEARTBEAT_FILE:
            try:
                Path(settings.HEARTBEAT_FILE).touch()
            except OSError as error:
                logger.warning("cannot write HEARTBEAT_FILE: %s", error.strerror)
        try:
            Heartbeat.record(self.component)
        except (DatabaseError, InterfaceError) as error:
            logger.debug("cannot write the heartbeat of %s: %s", self.component, error)
        finally:
            # An open connection would count against the server's limit, and break on its restart.
            connection.close()


@cache
def writer_for(hostname: str) -> HeartbeatWriter:
    return HeartbeatWriter(f"{WORKER}{hostname}")
