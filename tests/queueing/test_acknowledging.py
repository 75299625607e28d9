"""A worker acknowledges a message as soon as its task ends, even if its event loop sleeps.

A thread passes its acknowledgement to the event loop. Before kombu 5.7, that did not wake the loop
(https://github.com/celery/celery/issues/6941): a worker whose prefetch window was full received
nothing for up to a second.
"""

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
    # The loop sleeps as long as this returns; by default that is a few seconds at most.
    monkeypatch.setattr(hub, "fire_timers", lambda **_: SLEEP_S)
    yield hub
    hub.close()


@pytest.fixture
def consumer(hub: Hub) -> Consumer:
    """Return a consumer that has only an event loop."""
    consumer = Consumer.__new__(Consumer)
    vars(consumer).update(hub=hub)
    return consumer


def test_an_acknowledgement_from_a_thread_wakes_the_event_loop(
    hub: Hub, consumer: Consumer
) -> None:
    acknowledged = threading.Event()
    loop = hub.create_loop()
    for _ in range(2):
        asleep = threading.Thread(target=turn_until, args=(loop, acknowledged), daemon=True)
        asleep.start()
        consumer.call_soon_ack(acknowledged.set)  # type: ignore[attr-defined]  # missing in the type stubs
        asleep.join(SLEEP_S / 4)
        assert not asleep.is_alive()
        acknowledged.clear()


def turn_until(loop: Iterator[None], done: threading.Event) -> None:
    while not done.is_set():
        next(loop)
