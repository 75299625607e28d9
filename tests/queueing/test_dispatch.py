from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
from django.utils import timezone
from kombu import Producer

from mediapipe.celery import app
from mediapipe.models import MediaItem
from mediapipe.queueing import dispatch as dispatching
from mediapipe.queueing.broker import broker_error
from mediapipe.queueing.dispatch import dispatch
from tests.support import make
from tests.support.servers import free_port

pytestmark = pytest.mark.django_db

UseBroker = Callable[[str], None]
# Far more than our timeouts, 1 s in sum; without them it takes 10 s on Redis.
BOUND_S = 8.0


@pytest.fixture
def use_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[UseBroker]:
    """Return a function that points this process at another broker."""
    monkeypatch.setattr(dispatching, "breaker", dispatching.CircuitBreaker())

    def use(url: str) -> None:
        monkeypatch.setenv("CELERY_BROKER_WRITE_URL", url)
        dispatching.producer_pool.reset()

    yield use
    dispatching.producer_pool.reset()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Yield a port that accepts connections and never sends anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    """Return a port of this machine that refuses connections."""
    return free_port()


def test_a_task_for_each_item_reaches_the_broker(use_broker: UseBroker) -> None:
    use_broker("memory://")
    with app.connection_for_write() as connection:
        queue: Any = connection.SimpleQueue("media")
        queue.clear()
        assert dispatch([7, 8])
        bodies = [queue.get(block=False).payload for _ in range(2)]
    assert [body[1] for body in bodies] == [{"media_id": 7}, {"media_id": 8}]


def test_a_pool_reset_closes_a_connection_in_use_only_after_its_release(
    use_broker: UseBroker,
) -> None:
    use_broker("memory://")
    with dispatching.producer_pool.acquire() as another:
        connection: Any = another.connection
        connection.connect()
        dispatching.producer_pool.reset()
        assert connection.connected
    assert not connection.connected


def test_a_connection_is_reused_until_it_fails(use_broker: UseBroker) -> None:
    use_broker("memory://")
    with dispatching.producer_pool.acquire() as first:
        pass
    with pytest.raises(OSError, match="away"), dispatching.producer_pool.acquire() as second:
        assert second is first
        raise OSError("away")
    with dispatching.producer_pool.acquire() as third:
        assert third is not first


def test_a_connection_that_was_idle_during_a_restart_is_replaced(use_broker: UseBroker) -> None:
    use_broker("memory://")
    producers: list[Producer] = []

    def publish(producer: Producer) -> None:
        producers.append(producer)
        if len(producers) == 1:
            raise ConnectionResetError

    assert dispatching.try_publish(publish)
    assert len(set(map(id, producers))) == 2
    assert not dispatching.breaker.is_open()


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_publishing_is_not_retried_if_the_broker_does_not_respond(
    use_broker: UseBroker, silent_port: int, scheme: str
) -> None:
    use_broker(f"{scheme}://127.0.0.1:{silent_port}//")
    connect = mock.Mock(side_effect=lambda producer: producer.connection.default_channel)
    assert not dispatching.try_publish(connect)
    assert connect.call_count == 1


def test_threads_publish_without_waiting_for_each_other(use_broker: UseBroker) -> None:
    use_broker("memory://")
    with dispatching.producer_pool.acquire(), app.connection_for_write() as connection:
        queue: Any = connection.SimpleQueue("media")
        queue.clear()
        assert dispatch([9])
        assert queue.get(block=False).payload[1] == {"media_id": 9}


def test_dispatching_no_items_needs_no_broker(use_broker: UseBroker, closed_port: int) -> None:
    use_broker(f"redis://127.0.0.1:{closed_port}/0")
    assert dispatch([])


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_refuses_connections_does_not_block_the_caller(
    use_broker: UseBroker, closed_port: int, scheme: str
) -> None:
    use_broker(f"{scheme}://127.0.0.1:{closed_port}//")
    item, began = make.media(), time.monotonic()
    assert not dispatch([item.pk])
    assert time.monotonic() - began < BOUND_S


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_never_responds_does_not_block_the_caller(
    use_broker: UseBroker, silent_port: int, scheme: str
) -> None:
    use_broker(f"{scheme}://127.0.0.1:{silent_port}//")
    item, began = make.media(), time.monotonic()
    assert not dispatch([item.pk])
    assert time.monotonic() - began < BOUND_S


def test_an_item_that_was_not_published_is_left_to_the_dispatcher(
    use_broker: UseBroker, closed_port: int
) -> None:
    use_broker(f"redis://127.0.0.1:{closed_port}/0")
    item = make.media()
    assert [*MediaItem.objects.claim_due(10)] == []
    dispatch([item.pk])
    assert [*MediaItem.objects.claim_due(10)] == [item.pk]


def test_an_unexpected_exception_is_logged_and_the_item_left_to_the_dispatcher(
    use_broker: UseBroker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    use_broker("memory://")
    monkeypatch.setattr(dispatching, "_publish", raise_attribute_error)
    item = make.media()
    assert not dispatch([item.pk])
    assert [*MediaItem.objects.claim_due(10)] == [item.pk]
    assert "AttributeError: closed under us" in caplog.text


def raise_attribute_error(*args: object) -> None:
    raise AttributeError("closed under us")


def test_the_circuit_breaker_is_open_for_a_while_after_a_failure(
    use_broker: UseBroker, closed_port: int
) -> None:
    use_broker(f"redis://127.0.0.1:{closed_port}/0")
    first, second = make.media(), make.media()
    dispatch([first.pk])
    use_broker("memory://")
    assert not dispatch([second.pk])
    second.refresh_from_db()
    assert second.sweep_at is not None
    assert second.sweep_at <= timezone.now()


def test_only_a_broker_that_cannot_be_reached_has_an_error(
    use_broker: UseBroker, closed_port: int
) -> None:
    use_broker("memory://")
    assert broker_error() is None
    use_broker(f"redis://127.0.0.1:{closed_port}/0")
    assert broker_error() is not None
