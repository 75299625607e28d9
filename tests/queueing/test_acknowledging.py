"""A worker acknowledges a message as soon as its task ends, even if its event loop sleeps."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from kombu.asynchronous import Hub

from mediapipe.queueing.celery_consumer import Consumer

SLEEP_S = 60.0


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()
    hub.call_later(SLEEP_S, int)
    # How long the loop may sleep; otherwise some seconds at most.
    monkeypatch.setattr(hub, "fire_timers", lambda **_: SLEEP_S)
    yield hub
    hub.close()


@pytest.fixture
def consumer(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Consumer]:
    """Yield a consumer that has an event loop and nothing else."""
    consumer = Consumer.__new__(Consumer)
    consumer.hub = hub
    monkeypatch.setattr("celery.worker.consumer.Consumer.register_with_event_loop", lambda *_: None)
    consumer.register_with_event_loop(hub)
    yield consumer
    for end in consumer.waker:
        end.close()


def test_a_callback_from_a_thread_wakes_the_loop(hub: Hub, consumer: Consumer) -> None:
    asleep = threading.Thread(target=next, args=[hub.create_loop()], daemon=True)
    asleep.start()
    consumer.call_soon(int)
    asleep.join(SLEEP_S / 4)
    assert not asleep.is_alive()


def test_a_loop_that_was_woken_sleeps_again(hub: Hub, consumer: Consumer) -> None:
    for _ in range(100):
        consumer.call_soon(int)
    next(hub.create_loop())
    assert hub.poller.poll(0) == []


def test_each_callback_wakes_the_loop_again(hub: Hub, consumer: Consumer) -> None:
    consumer.call_soon(int)
    next(hub.create_loop())
    consumer.call_soon(int)
    assert hub.poller.poll(0) != []


def test_a_callback_while_the_loop_drains_the_waker_wakes_it_again(
    hub: Hub, consumer: Consumer
) -> None:
    reader, _ = consumer.waker
    hub.add_reader(reader, lambda: (reader.recv(4096), consumer.call_soon(int)))
    consumer.call_soon(int)
    next(hub.create_loop())
    assert hub.poller.poll(0) != []


def test_a_loop_that_never_reads_blocks_no_thread(consumer: Consumer) -> None:
    for _ in range(10_000):
        consumer.call_soon(int)


def test_a_consumer_without_a_loop_has_no_waker() -> None:
    consumer = Consumer.__new__(Consumer)
    vars(consumer).update(hub=None, _pending_operations=[])
    consumer.call_soon(int)
    assert len(vars(consumer)["_pending_operations"]) == 1
    assert "waker" not in vars(consumer)
