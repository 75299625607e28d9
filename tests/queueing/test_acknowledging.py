"""A worker acknowledges a message when its task is done, however soundly its loop sleeps."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from kombu.asynchronous import Hub

from mediapipe.queueing.celery_consumer import Consumer, LoopWaker

SLEEP_S = 60.0


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()
    hub.call_later(SLEEP_S, int)
    # How long the loop may sleep, which is some seconds at most otherwise.
    monkeypatch.setattr(hub, "fire_timers", lambda **_: SLEEP_S)
    yield hub
    hub.close()


@pytest.fixture
def consumer(hub: Hub) -> Iterator[Consumer]:
    """Return a consumer that has a loop and nothing else."""
    consumer = Consumer.__new__(Consumer)
    consumer.hub = hub
    consumer.bell.wake(hub)
    yield consumer
    consumer.bell.close()


def test_what_a_thread_gives_the_loop_to_do_wakes_it(hub: Hub, consumer: Consumer) -> None:
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


class Interrupted:
    """A socket whose reader is held up while another thread rings the bell."""

    def __init__(self, bell: LoopWaker) -> None:
        self.bell, self.socket = bell, bell._loop_end

    def recv(self, size: int) -> bytes:
        self.bell.ring()
        return self.socket.recv(size)

    def close(self) -> None:
        self.socket.close()


def test_a_ring_that_comes_while_the_last_one_is_heard_does_not_silence_the_bell(
    hub: Hub, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell = consumer.bell
    monkeypatch.setattr(bell, "_loop_end", Interrupted(bell))
    bell.ring()
    next(hub.create_loop())
    bell.ring()
    assert hub.poller.poll(0) != []


def test_a_consumer_without_a_loop_rings_no_bell() -> None:
    consumer = Consumer.__new__(Consumer)
    vars(consumer).update(hub=None, _pending_operations=[])
    consumer.call_soon(int)
    assert len(vars(consumer)["_pending_operations"]) == 1
    assert "bell" not in vars(consumer)


def test_a_bell_that_nobody_hears_holds_nobody_up() -> None:
    bell = LoopWaker()
    for _ in range(1_000_000):
        bell.ring()
    # One byte is enough to wake the loop, and never fills the socket.
    assert bell._loop_end.recv(4096) == b"!"
    bell.close()
