"""Messages over Redis share a client, and are delivered as before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kombu import Connection
from kombu.transport import redis

from mediapipe.celery import app
from tests import servers


@pytest.fixture
def connection() -> Iterator[Connection]:
    """Yield a connection as publishers and workers have it, to a Redis number of its own."""
    with servers.redis_number() as url, app.connection(url) as connection:
        yield connection


def test_no_client_is_made_for_another_message(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    create = vars(redis.Channel)["_create_client"]

    def counted(self: object, **options: object) -> object:
        made.append(options)
        return create(self, **options)

    queue: Any = connection.SimpleQueue("media")
    queue.put("first")
    monkeypatch.setattr(redis.Channel, "_create_client", counted)
    queue.put("second")
    assert made == []
    assert [queue.get(timeout=5).payload for _ in range(2)] == ["first", "second"]


def test_a_message_that_was_not_acknowledged_comes_again(connection: Connection) -> None:
    queue: Any = connection.SimpleQueue("media")
    queue.put("once")
    queue.get(timeout=5).requeue()
    again = queue.get(timeout=5)
    assert again.payload == "once"
    again.ack()
    with pytest.raises(queue.Empty):
        queue.get(block=False)


def test_a_client_whose_connection_broke_connects_anew(connection: Connection) -> None:
    queue: Any = connection.SimpleQueue("media")
    queue.put("before")
    queue.channel.pool.disconnect()
    queue.put("after")
    assert queue.qsize() == 2
