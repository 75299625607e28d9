from __future__ import annotations

import logging
import time
from contextlib import suppress
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer
from celery.worker.state import maybe_shutdown
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone
from kombu import Connection
from kombu.asynchronous import Hub

from mediapipe.models.media.recovery import release_leases
from mediapipe.queueing.broker import broker_error
from mediapipe.queueing.broker_problems import BrokerBlocked, explain
from mediapipe.queueing.heartbeat import writer_for
from mediapipe.queueing.watchdog import event_loop

logger = logging.getLogger(__name__)

RECONNECT_INTERVAL_S = 1
TURN_INTERVAL_S = 2.0


class Consumer(CeleryConsumer):
    """Survives the loss of its broker, reconnects at a constant interval, and has a watchdog."""

    channel_errors: tuple[type[BaseException], ...]

    def start(self) -> None:
        # Called once, before the messages that its predecessor held arrive.
        release_predecessor(self.hostname)
        super().start()

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        # Celery 5.7.0 closes the connection after dismantling it. If the worker holds an
        # unacknowledged message of Redis, kombu raises AttributeError there and the worker exits.
        # What Celery would do after that line only concerns settings that we do not use.
        with suppress(AttributeError):
            super().on_connection_error_after_connected(exc)
        if isinstance(exc, self.channel_errors):
            # After an error that the probe does not show, Celery would retry in a tight loop.
            time.sleep(RECONNECT_INTERVAL_S)

    def register_with_event_loop(self, hub: Hub) -> None:
        # Called for each new connection to the broker. Celery cancels the timer when it loses one.
        super().register_with_event_loop(hub)
        # Also now: the leases of a worker that dies before its first heartbeat are not released.
        self.on_turn()
        hub.call_repeatedly(TURN_INTERVAL_S, self.on_turn)

    def on_turn(self) -> None:
        """Note that the event loop is running and the broker is connected."""
        event_loop.touch()
        writer_for(self.hostname).touch()

    def ensure_connected(self, conn: Connection) -> Any:
        # Celery has no setting for the interval. Its own grows by 2 s per attempt up to 30 s, and
        # after a long outage every item would wait that much longer.
        conn.ensure_connection = partial(  # type: ignore[method-assign]  # of this connection only
            conn.ensure_connection, interval_start=RECONNECT_INTERVAL_S, interval_step=0
        )
        # However long the broker is down: a restart would not reconnect sooner.
        event_loop.pause()
        connected = super().ensure_connected(conn)
        self._wait_until_usable()
        event_loop.touch()
        return connected

    def _wait_until_usable(self) -> None:
        """Wait while the broker responds but cannot be used, and log why."""
        logged = None
        while (error := broker_error()) and not isinstance(error, BrokerBlocked):
            if not (problem := explain(error)):
                # The connection was lost again, which Celery handles.
                return
            if problem != logged:
                logger.error("the broker %s. %s", problem.summary, problem.remedy)
                logged = problem
            maybe_shutdown()
            time.sleep(RECONNECT_INTERVAL_S)

    def stop(self) -> None:
        # While stopping, the pool finishes its downloads without the event loop.
        event_loop.pause()
        super().stop()


def release_predecessor(hostname: str) -> None:
    """End the leases of an earlier worker with this name, which must be dead.

    Otherwise the supervisor would not have started this worker under the same name.
    """
    try:
        if released := release_leases(hostname, timezone.now()):
            logger.warning("media items taken over from a dead worker: %d", released)
    except (DatabaseError, InterfaceError) as error:
        # The dispatcher releases them, or the leases expire.
        logger.debug("cannot release the leases of the predecessor: %s", error)
    finally:
        connection.close()
