"""Requests to apps while Twilio waits: each in a thread of its own, at most GATEWAY_IN_FLIGHT.

Twilio's web thread stops waiting when its time is up. The thread of the request reads on, so that
apps which end with their client can finish, and what came of it is known.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.conf import settings
from django.db import connection

from mediapipe import logs
from mediapipe.gateway.send import Sent

logger = logging.getLogger(__name__)


class Flight:
    """One request: either the web thread gets what came back, or it has stopped waiting before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._sent: Sent | None = None
        self._is_awaited = True

    def wait(self, timeout_s: float) -> Sent | None:
        """Return what came back within `timeout_s`, or None: it then comes too late."""
        self._ended.wait(max(timeout_s, 0.0))
        with self._lock:
            self._is_awaited = False
            return self._sent

    def end(self, sent: Sent) -> bool:
        """Set what came back; return whether the web thread still waits for it."""
        with self._lock:
            if self._is_awaited:
                self._sent = sent
            self._ended.set()
            return self._is_awaited


class Slots:
    """The places for GATEWAY_IN_FLIGHT requests of this process; `taken` is how many run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.taken = 0

    def take(self) -> bool:
        """Take a slot; return False if none is free."""
        with self._lock:
            if self.taken >= settings.GATEWAY_IN_FLIGHT:
                return False
            self.taken += 1
            return True

    def release(self) -> None:
        with self._lock:
            self.taken -= 1

    def start(self, send: Callable[[], Sent], record: Callable[[Sent, bool], None]) -> Flight:
        """Run `send` in a thread that releases the slot at its end; the slot is taken.

        `record` gets what came back and whether the web thread still waited for it. It runs while
        the answer is already on its way to Twilio.
        """
        flight = Flight()

        def run() -> None:
            try:
                with logs.logged_errors(logger, "what came of a request to an app was lost"):
                    sent = send()
                    record(sent, flight.end(sent))
            finally:
                connection.close()
                self.release()

        threading.Thread(target=run, name="gateway", daemon=True).start()
        return flight


slots = Slots()
