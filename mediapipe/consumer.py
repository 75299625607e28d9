"""How a worker gets back to a broker that was away."""

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer
from kombu import Connection

# Celery's own waits grow to half a minute, and when the broker is back all media would wait on.
KNOCK_EVERY_S = 2


class Consumer(CeleryConsumer):
    """Looks every KNOCK_EVERY_S seconds whether the broker is back."""

    def ensure_connected(self, conn: Connection) -> Any:
        """Return the connection once the broker has answered, however long that takes."""
        connect = conn.ensure_connection
        knock = partial(connect, interval_start=KNOCK_EVERY_S, interval_step=0)
        conn.ensure_connection = knock  # type: ignore[method-assign]  # of this connection alone
        return super().ensure_connected(conn)
