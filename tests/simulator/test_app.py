"""The app that fetches media at once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from mediapipe.simulator import Simulator, app, payloads
from mediapipe.simulator.app import MediaApp, media_app
from mediapipe.simulator.faults import Status


@pytest.fixture
def twilio() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[MediaApp]:
    monkeypatch.setattr(app, "RETRIES_S", (0.1, 0.3))
    with media_app() as started:
        yield started


def wait_for(running: MediaApp, media: int) -> None:
    deadline = time.monotonic() + 60
    while running.ended < media and time.monotonic() < deadline:
        time.sleep(0.02)
    assert running.ended == media


def test_the_app_fetches_the_media_of_a_message(twilio: Simulator, running: MediaApp) -> None:
    message = payloads.mms(3)
    assert twilio.send(message, to=running.url) == 204
    wait_for(running, 3)
    assert (running.fetched, running.early_404s, running.lost) == (3, 0, 0)
    assert running.messages == {message["MessageSid"]: 1}


def test_media_that_is_slightly_late_is_fetched_by_a_retry(
    twilio: Simulator, running: MediaApp
) -> None:
    twilio.send(payloads.mms(1, faults=[Status(404)]), to=running.url)
    wait_for(running, 1)
    assert (running.fetched, running.early_404s) == (1, 1)


def test_media_that_is_unavailable_at_the_last_retry_is_lost(
    twilio: Simulator, running: MediaApp
) -> None:
    twilio.send(payloads.mms(1, delay_s=60), to=running.url)
    wait_for(running, 1)
    assert (running.early_404s, running.lost) == (3, 1)


def test_a_failure_other_than_404_is_not_retried(twilio: Simulator, running: MediaApp) -> None:
    twilio.send(payloads.mms(1, faults=[Status(500)]), to=running.url)
    wait_for(running, 1)
    assert (running.early_404s, running.lost) == (0, 1)


def test_a_repeat_is_counted_but_not_processed(twilio: Simulator) -> None:
    message = payloads.mms(1)
    with media_app() as running:
        twilio.send(message, to=running.url)
        twilio.send(message, to=running.url, method="GET")
    assert running.messages == {message["MessageSid"]: 2}
    assert running.fetched == 1


def test_a_message_with_a_wrong_signature_is_refused(twilio: Simulator, running: MediaApp) -> None:
    assert twilio.send(payloads.mms(1), to=running.url, signature="wrong") == 403
    assert (running.refused, running.messages) == (1, {})
