"""Requests to apps while Twilio waits: each in a thread of its own, at most GATEWAY_IN_FLIGHT.

The web thread that serves Twilio stops waiting when its time is up. The request's own thread keeps
reading: some apps stop working when their client disconnects, and the result must be recorded.
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
    """One request, whose result the web thread gets unless it has stopped waiting by then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._sent: Sent | None = None
        self._is_awaited = True

    def wait(self, timeout_s: float) -> Sent | None:
        """Return what came back within `timeout_s`; None if nothing did."""
        self._ended.wait(max(timeout_s, 0.0))
        with self._lock:
            self._is_awaited = False
            return self._sent

    def end(self, sent: Sent) -> bool:
        """Set what came back; return whether the web thread is still waiting for it."""
        with self._lock:
            if self._is_awaited:
                self._sent = sent
            self._ended.set()
            return self._is_awaited


class Slots:
    """Limits this process to GATEWAY_IN_FLIGHT requests; `taken` of them are in progress."""

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
        """Run `send` in a thread that at its end releases the slot that the caller has taken.

        `record` gets what came back and whether the web thread was still waiting for it. It runs
        while the answer is already on its way to Twilio.
        """
        flight = Flight()

        def run(send: Callable[[], Sent]) -> None:
            try:
                with logs.logged_errors(
                    logger, "the outcome of a request to an app could not be recorded"
                ):
                    sent = send()
                    record(sent, flight.end(sent))
            finally:
                connection.close()
                self.release()

        try:
            threading.Thread(target=run, args=(send,), name="gateway", daemon=True).start()
        except RuntimeError:
            # Nothing was sent, so the app can get it later.
            run(lambda: Sent(detail="Not sent: no thread could be started.", certain=True))
        return flight


slots = Slots()
