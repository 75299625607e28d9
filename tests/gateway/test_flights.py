"""How long a webhook waits for the request to an app, and how many requests are in progress."""

from __future__ import annotations

import threading

from pytest_django import Settings

from mediapipe.gateway.flights import Slots
from mediapipe.gateway.send import Sent
from tests.support.waiting import eventually

LONG_S = 30.0


def test_a_response_in_time_is_returned_and_recorded_as_in_time() -> None:
    recorded: list[tuple[Sent, bool]] = []
    done = threading.Event()
    slots = Slots()
    assert slots.take()

    def record(sent: Sent, in_time: bool) -> None:
        recorded.append((sent, in_time))
        done.set()

    sent = slots.start(lambda: Sent(200), record).wait(LONG_S)
    assert sent == Sent(200)
    assert done.wait(LONG_S)
    assert recorded == [(Sent(200), True)]


def test_a_response_that_arrives_too_late_is_recorded_as_late() -> None:
    may_respond, done = threading.Event(), threading.Event()
    recorded: list[bool] = []

    def send() -> Sent:
        may_respond.wait(LONG_S)
        return Sent(200)

    def record(sent: Sent, in_time: bool) -> None:
        recorded.append(in_time)
        done.set()

    slots = Slots()
    assert slots.take()
    assert slots.start(send, record).wait(0.01) is None
    may_respond.set()
    assert done.wait(LONG_S)
    assert recorded == [False]


def test_no_more_requests_run_at_a_time_than_configured(settings: Settings) -> None:
    settings.GATEWAY_IN_FLIGHT = 2
    slots = Slots()
    assert [slots.take() for _ in range(3)] == [True, True, False]
    slots.release()
    assert slots.take()


def test_a_slot_is_freed_even_if_the_request_raises_an_exception(settings: Settings) -> None:
    settings.GATEWAY_IN_FLIGHT = 1
    slots, failed = Slots(), threading.Event()

    def send() -> Sent:
        failed.set()
        raise RuntimeError

    assert slots.take()
    assert slots.start(send, lambda *_: None).wait(0.5) is None
    assert failed.wait(LONG_S)
    eventually(slots.take)
