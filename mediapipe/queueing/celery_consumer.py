"""How a worker gets back to a broker that was away, and tells it what is done."""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import cached_property, partial
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer
from kombu import Connection
from kombu.asynchronous import Hub

# Celery's own waits grow to half a minute, and when the broker is back all media would wait on.
RECONNECT_INTERVAL_S = 2


class LoopWaker:
    """Wakes the loop of a worker, which sleeps until one of its sockets can be read."""

    def __init__(self) -> None:
        self._loop_end, self._end = socket.socketpair()
        self._loop_end.setblocking(False)
        self._end.setblocking(False)
        self._rung = False

    def wake(self, hub: Hub) -> None:
        """Be heard by this loop from now on."""
        hub.add_reader(self._loop_end, self._heard)

    def ring(self) -> None:
        """Wake the loop; from any thread."""
        if not self._rung:
            self._rung = True
            self._end.send(b"!")

    def close(self) -> None:
        """Be of no use any more."""
        self._loop_end.close()
        self._end.close()

    def _heard(self) -> None:
        # In this order: a byte that is sent in between would be taken for one that is on its way,
        # and nobody would ring again. What is to be done by then is done in this very round.
        with suppress(BlockingIOError):
            self._loop_end.recv(4096)
        self._rung = False


class Consumer(CeleryConsumer):
    """Looks every KNOCK_EVERY_S seconds whether the broker is back, acknowledges without delay."""

    # None in pools that have no loop.
    hub: Hub | None

    @cached_property
    def bell(self) -> LoopWaker:
        """What wakes the loop."""
        return LoopWaker()

    def register_with_event_loop(self, hub: Hub) -> None:
        """Listen to the bell too; called for each new connection to the broker."""
        super().register_with_event_loop(hub)
        self.bell.wake(hub)

    def call_soon(self, p: Any, *args: Any, **kwargs: Any) -> Any:
        """Have the loop call something, and wake it for that: it might sleep for a second.

        This is how the threads acknowledge their messages. Without that a worker that is done with
        what it has taken ahead waits for the end of that second, since it is given no more.
        """
        called = super().call_soon(p, *args, **kwargs)
        if self.hub:
            self.bell.ring()
        return called

    def ensure_connected(self, conn: Connection) -> Any:
        """Return the connection once the broker has answered, however long that takes."""
        connect = conn.ensure_connection
        knock = partial(connect, interval_start=RECONNECT_INTERVAL_S, interval_step=0)
        conn.ensure_connection = knock  # type: ignore[method-assign]  # of this connection alone
        return super().ensure_connected(conn)
