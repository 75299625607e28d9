from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer
from kombu import Connection

from mediapipe.queueing.watchdog import event_loop

RECONNECT_INTERVAL_S = 2


class Consumer(CeleryConsumer):
    """Survives the loss of its broker, reconnects at a constant interval, and has a watchdog."""

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        # Celery 5.7.0 closes the connection after it has taken it apart. If the worker holds an
        # unacknowledged message of Redis, kombu raises AttributeError there and the worker exits.
        # What Celery would do after that line applies to settings that we do not use.
        with suppress(AttributeError):
            super().on_connection_error_after_connected(exc)

    def ensure_connected(self, conn: Connection) -> Any:
        # Celery has no setting for the interval. Its own grows by 2 s per attempt up to 30 s, and
        # after a long outage every item would wait that much longer.
        conn.ensure_connection = partial(  # type: ignore[method-assign]  # of this connection only
            conn.ensure_connection, interval_start=RECONNECT_INTERVAL_S, interval_step=0
        )
        # However long the broker is down: reconnecting is the right thing to do.
        event_loop.pause()
        connected = super().ensure_connected(conn)
        event_loop.touch()
        return connected

    def stop(self) -> None:
        # The pool then finishes its downloads, without the loop.
        event_loop.pause()
        super().stop()
