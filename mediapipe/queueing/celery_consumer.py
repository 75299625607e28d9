from __future__ import annotations

import socket
from contextlib import suppress
from functools import cached_property, partial
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer
from kombu import Connection
from kombu.asynchronous import Hub

RECONNECT_INTERVAL_S = 2


class Consumer(CeleryConsumer):
    """Acknowledges a message as soon as its task ends, and reconnects at a constant interval."""

    # None in pools without an event loop.
    hub: Hub | None

    # Works around https://github.com/celery/celery/issues/6941 (threads pool; see also
    # https://github.com/celery/kombu/pull/1587): a thread leaves its acknowledgement to the event
    # loop, which may sleep for a second. A worker whose prefetch window is full receives nothing
    # until then. Remove the waker and the two methods below when Celery wakes its loop.
    @cached_property
    def waker(self) -> tuple[socket.socket, socket.socket]:
        """Return the reading and the writing end of a pair: a byte in it ends the loop's sleep."""
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        return reader, writer

    def register_with_event_loop(self, hub: Hub) -> None:
        # Called for each new connection to the broker; Celery resets the loop when it loses one.
        super().register_with_event_loop(hub)
        reader, _ = self.waker
        hub.add_reader(reader, reader.recv, 4096)

    def call_soon(self, p: Any, *args: Any, **kwargs: Any) -> Any:
        """Let the event loop call `p`, and wake it; from any thread."""
        called = super().call_soon(p, *args, **kwargs)
        if self.hub:
            # A full buffer means that the loop has not read yet: it will wake anyway.
            with suppress(BlockingIOError):
                self.waker[1].send(b"!")
        return called

    def ensure_connected(self, conn: Connection) -> Any:
        # Celery has no setting for the interval. Its own grows by 2 s per attempt up to 30 s, and
        # after a long outage every item would wait that much longer.
        conn.ensure_connection = partial(  # type: ignore[method-assign]  # of this connection only
            conn.ensure_connection, interval_start=RECONNECT_INTERVAL_S, interval_step=0
        )
        return super().ensure_connected(conn)
