from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from mediapipe.celery import app
from mediapipe.models import MediaItem
from mediapipe.queueing import dispatch as dispatching
from mediapipe.queueing.dispatch import broker_answers, dispatch
from tests.support import make

pytestmark = pytest.mark.django_db

UseBroker = Callable[[str], None]
# Far above what the bounds allow together, far below what the libraries' defaults take.
BOUND_S = 15.0


@pytest.fixture
def use_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[UseBroker]:
    """Return a function that points this process at another broker."""
    monkeypatch.setattr(dispatching, "breaker", dispatching.CircuitBreaker())

    def use(url: str) -> None:
        monkeypatch.setenv("CELERY_BROKER_WRITE_URL", url)
        dispatching.producer_pool.forget()

    yield use
    dispatching.producer_pool.forget()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Yield a port that accepts connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    """Return a port of this machine that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_a_task_for_each_item_reaches_the_broker(use_broker: UseBroker) -> None:
    use_broker("memory://")
    with app.connection_for_write() as connection:
        queue: Any = connection.SimpleQueue("media")
        queue.clear()
        assert dispatch([7, 8])
        bodies = [queue.get(block=False).payload for _ in range(2)]
    assert [body[1] for body in bodies] == [{"media_id": 7}, {"media_id": 8}]


def test_a_thread_that_finds_the_broker_away_closes_nothing_under_another(
    use_broker: UseBroker,
) -> None:
    use_broker("memory://")
    with dispatching.producer_pool.one() as another:
        connection: Any = another.connection
        connection.connect()
        dispatching.producer_pool.forget()
        assert connection.connected
    assert not connection.connected


def test_a_connection_is_used_again_unless_it_failed(use_broker: UseBroker) -> None:
    use_broker("memory://")
    with dispatching.producer_pool.one() as first:
        pass
    with pytest.raises(OSError, match="away"), dispatching.producer_pool.one() as second:
        assert second is first
        raise OSError("away")
    with dispatching.producer_pool.one() as third:
        assert third is not first


def test_no_thread_waits_for_another_to_publish(use_broker: UseBroker) -> None:
    use_broker("memory://")
    with dispatching.producer_pool.one(), app.connection_for_write() as connection:
        queue: Any = connection.SimpleQueue("media")
        queue.clear()
        assert dispatch([9])
        assert queue.get(block=False).payload[1] == {"media_id": 9}


def test_nothing_to_publish_needs_no_broker(use_broker: UseBroker, closed_port: int) -> None:
    use_broker(f"redis://127.0.0.1:{closed_port}/0")
    assert dispatch([])


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_refuses_holds_nobody_up(
    use_broker: UseBroker, closed_port: int, scheme: str
) -> None:
    use_broker(f"{scheme}://127.0.0.1:{closed_port}//")
    item, began = make.media(), time.monotonic()
    assert not dispatch([item.pk])
    assert time.monotonic() - began < BOUND_S


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_says_nothing_holds_nobody_up(
    use_broker: UseBroker, silent_port: int, scheme: str
) -> None:
    use_broker(f"{scheme}://127.0.0.1:{silent_port}//")
    item, began = make.media(), time.monotonic()
    assert not dispatch([item.pk])
    assert time.monotonic() - began < BOUND_S


def test_what_was_not_published_is_left_to_the_next_sweep(
    use_broker: UseBroker, closed_port: int
) -> None:
    use_broker(f"redis://127.0.0.1:{closed_port}/0")
    item = make.media()
    assert [*MediaItem.objects.claim_due(10)] == []
    dispatch([item.pk])
    assert [*MediaItem.objects.claim_due(10)] == [item.pk]


def test_whatever_a_client_library_raises_is_left_to_the_sweep_and_told(
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


def test_after_a_failure_the_broker_is_left_alone_for_a_while(
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


def test_a_broker_that_is_away_is_said_to_be(use_broker: UseBroker, closed_port: int) -> None:
    use_broker("memory://")
    assert broker_answers()
    use_broker(f"redis://127.0.0.1:{closed_port}/0")
    assert not broker_answers()
