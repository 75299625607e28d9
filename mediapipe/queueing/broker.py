"""A connection to the broker that never blocks for long, and what the broker reports on it."""

import logging
from typing import Any

from django.conf import settings
from kombu import Connection, Queue
from kombu.exceptions import OperationalError
from redis.exceptions import TimeoutError as RedisTimeoutError

from mediapipe.celery import app
from mediapipe.queueing.broker_problems import BrokerBlocked
from mediapipe.settings.queues import QUEUES

logger = logging.getLogger(__name__)

# Without these a broker that accepts connections but never responds would block us forever.
BOUNDS = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
    "socket_connect_timeout": 1,
    "socket_timeout": 1,
    "read_timeout": 1,
    "write_timeout": 1,
}
CONNECT_TIMEOUT_S = 1.0
# A Redis key that does not exist, and a routing key without a queue.
PROBE = "mediapipe-probe"


def bounded_connection() -> Connection:
    """Return a connection that fails within about a second; it connects on first use."""
    options = app.conf.broker_transport_options | BOUNDS
    return app.connection_for_write(connect_timeout=CONNECT_TIMEOUT_S, transport_options=options)


def queue_capacity(queue: str) -> int:
    """Return how many more messages the dispatcher may publish to this queue.

    Further messages would not be processed any sooner, but would use the broker's memory. It is 0
    while the broker is unavailable.
    """
    try:
        return max(0, settings.QUEUE_MAX_MESSAGES - waiting_messages(queue))
    except broker_errors() as error:
        logger.warning("the broker is unavailable (%s)", type(error).__name__)
        return 0


def waiting_messages(queue: str) -> int:
    """Return the number of undelivered messages in this queue; 0 if it does not exist yet."""
    declared = _declare_passively(queue)
    return int(declared.message_count) if declared else 0


def consumers(queue: str) -> int:
    """Return the number of workers that consume this queue; 0 if it does not exist yet."""
    declared = _declare_passively(queue)
    return int(declared.consumer_count) if declared else 0


def _declare_passively(queue: str) -> Any:
    with bounded_connection() as connection, connection.channel() as channel:
        try:
            return Queue(queue, channel=channel).queue_declare(passive=True)
        except connection.channel_errors:
            # The queue does not exist: the first worker that consumes it creates it.
            return None


def broker_error() -> BaseException | None:
    """Return, within about two seconds, why the broker accepts no tasks; None if it does."""
    try:
        with bounded_connection() as connection:
            # `connect` and `ensure_connection` ignore the bounds; opening the channel does not.
            channel = connection.default_channel
            if connection.transport.driver_type == "redis":
                _probe_redis(channel)
            if connection.transport.driver_type == "amqp":
                _probe_rabbitmq(connection)
    except broker_errors() as error:
        return error
    return None


def _probe_redis(channel: Any) -> None:
    """Send commands as Celery does, without an effect: a read of two keys, a write, a publish.

    In a cluster the first fails; on a replica, or without memory or disk, the second.
    """
    channel.client.exists(*QUEUES)
    channel.client.lpushx(PROBE, "")
    channel.client.publish(channel.keyprefix_fanout + PROBE, "")


def _probe_rabbitmq(connection: Connection) -> None:
    """Declare the queues as workers do, and publish messages that reach no queue.

    Under an alarm RabbitMQ confirms the first message of a connection, and none after it.
    """
    for name in QUEUES:
        app.amqp.queues[name](connection.default_channel).declare()
    try:
        with connection.Producer() as producer:
            exchange = app.amqp.queues[QUEUES[0]].exchange
            for _ in range(2):
                producer.publish(b"", exchange=exchange, routing_key=PROBE)
    except TimeoutError as error:
        raise BrokerBlocked from error


def is_timeout(error: BaseException) -> bool:
    """Return whether the broker failed to respond in time, rather than refused."""
    # While connecting, kombu raises its own error, with the timeout as its cause.
    return isinstance(error.__cause__ or error, TimeoutError | RedisTimeoutError)


def broker_errors() -> tuple[type[BaseException], ...]:
    """Return the exceptions that this broker's client library raises while it is unreachable."""
    connection = bounded_connection()
    return (
        OperationalError,
        OSError,
        *connection.connection_errors,
        *connection.channel_errors,
    )
