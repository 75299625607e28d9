"""An app answers a webhook while Twilio waits, and gets it once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from mediapipe.gateway.capture import RESERVED_FOR
from mediapipe.gateway.flights import Slots
from mediapipe.models import GatewayDelivery, GatewayReply, MediaItem, WebhookEvent
from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from tests.support import make
from tests.support.apps import TWIML, App, Reply, app
from tests.support.gateway import configure, sms, wait_for_delivery
from tests.support.waiting import eventually
from tests.support.webhooks import mms, send

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.database,
    pytest.mark.usefixtures("published", "flights"),
]

LONG_S = 30.0
EMPTY = b"<Response/>"


def from_thread(webhook: Webhook) -> bytes:
    """Send a webhook from a thread, and return the content of the response."""
    try:
        content: bytes = send(webhook).content
        return content
    finally:
        connection.close()


def put_behind(settings: Settings, folder: Path, of: App, **entry: Any) -> None:
    configure(settings, folder, {"url": of.url, "media": "leave"} | entry)


def test_the_apps_response_is_returned_to_twilio(settings: Settings, tmp_path: Path) -> None:
    headers = (("Content-Type", "text/xml; charset=utf-8"), ("Set-Cookie", "SESSION_ID=1; Path=/x"))
    with app(Reply(headers=headers)) as bot:
        put_behind(settings, tmp_path, bot)
        response = send(sms())
    assert (response.status_code, response.content) == (200, TWIML.encode())
    assert response["Content-Type"] == "text/xml; charset=utf-8"
    (cookie,) = response.cookies.values()
    assert cookie.OutputString() == "SESSION_ID=1; Path=/webhooks/twilio/messaging/"
    delivery = wait_for_delivery("delivered", answer="used")
    assert (delivery.http_status, delivery.answer_bytes) == (200, len(TWIML))
    assert delivery.request == ""


def test_the_event_is_stored_before_the_app_receives_the_webhook(
    settings: Settings, tmp_path: Path
) -> None:
    webhook, known = sms(), []

    def answer(_: object) -> Reply:
        known.append(WebhookEvent.objects.filter(subject_sid=webhook["MessageSid"]).exists())
        return Reply()

    with app(answer) as bot:
        put_behind(settings, tmp_path, bot)
        send(webhook)
    assert known == [True]


@pytest.mark.parametrize("status", [403, 500])
def test_an_error_page_of_the_app_never_reaches_twilio(
    settings: Settings, tmp_path: Path, status: int
) -> None:
    with app(Reply(status, b"Traceback", (("Content-Type", "text/plain"),))) as bot:
        put_behind(settings, tmp_path, bot)
        assert send(sms()).content == EMPTY
    wait_for_delivery("refused" if status == 403 else "unknown", http_status=status)


def test_a_message_to_an_app_that_is_down_is_delivered_later(
    settings: Settings, tmp_path: Path
) -> None:
    with app() as bot:
        put_behind(settings, tmp_path, bot)
    assert send(sms()).content == EMPTY
    delivery = wait_for_delivery("waiting", attempts=1)
    assert (delivery.late, delivery.request != "") == (True, True)


def test_a_message_whose_failure_is_passed_on_to_twilio_is_not_retried(
    settings: Settings, tmp_path: Path
) -> None:
    with app() as bot:
        put_behind(settings, tmp_path, bot, on_failure="pass")
    response = send(sms())
    assert (response.status_code, response.content) == (502, b"")
    wait_for_delivery("gave_up")


def test_a_response_that_arrives_too_late_is_recorded_as_lost(
    settings: Settings, tmp_path: Path
) -> None:
    may_respond = threading.Event()
    settings.GATEWAY_BUDGET_S = 1.0
    with app(Reply(wait=lambda: may_respond.wait(LONG_S))) as bot:
        put_behind(settings, tmp_path, bot)
        assert send(sms()).content == EMPTY
        assert GatewayDelivery.objects.get().status == "sending"
        may_respond.set()
        assert "too late for Twilio" in wait_for_delivery("delivered", answer="lost").detail
    assert len(bot.requests) == 1


def test_a_redirect_from_the_app_is_passed_on_to_twilio_with_an_absolute_url(
    settings: Settings, tmp_path: Path
) -> None:
    with app(Reply(302, b"", (("Location", "/next"),))) as bot:
        put_behind(settings, tmp_path, bot)
        response = send(sms())
    assert (response.status_code, response["Location"]) == (302, f"{bot.origin}/next")
    wait_for_delivery("delivered", answer="used")


def test_a_repeat_during_the_request_gets_the_same_response(
    settings: Settings, tmp_path: Path
) -> None:
    may_respond, webhook = threading.Event(), sms()
    with app(Reply(wait=lambda: may_respond.wait(LONG_S))) as bot, ThreadPoolExecutor(3) as threads:
        put_behind(settings, tmp_path, bot)
        first = threads.submit(from_thread, webhook)
        eventually(lambda: bot.requests)
        repeats = [threads.submit(from_thread, webhook) for _ in range(2)]
        eventually(lambda: WebhookEvent.objects.get().repeats == 2)
        may_respond.set()
        answers = {each.result(LONG_S) for each in (first, *repeats)}
    assert answers == {TWIML.encode()}
    assert len(bot.requests) == 1


def test_a_repeat_gets_the_same_response_for_a_minute_and_then_an_empty_one(
    settings: Settings, tmp_path: Path
) -> None:
    webhook = sms()
    with app() as bot:
        put_behind(settings, tmp_path, bot)
        send(webhook)
        wait_for_delivery("delivered")
        assert send(webhook).content == TWIML.encode()
        GatewayReply.objects.update(expires_at=WebhookEvent.objects.get().received_at)
        assert send(webhook).content == EMPTY
    assert len(bot.requests) == 1


def test_concurrent_messages_from_one_sender_are_all_answered(
    settings: Settings, tmp_path: Path
) -> None:
    may_respond = threading.Event()
    with app(Reply(wait=lambda: may_respond.wait(LONG_S))) as bot, ThreadPoolExecutor(4) as threads:
        put_behind(settings, tmp_path, bot)
        answers = [threads.submit(from_thread, sms()) for _ in range(4)]
        eventually(lambda: len(bot.requests) == 4)
        may_respond.set()
        assert {each.result(LONG_S) for each in answers} == {TWIML.encode()}


def test_a_message_does_not_overtake_an_earlier_waiting_message(
    settings: Settings, tmp_path: Path
) -> None:
    with app() as bot:
        put_behind(settings, tmp_path, bot)
    assert send(sms()).content == EMPTY
    wait_for_delivery("waiting", attempts=1)
    with app() as bot:
        put_behind(settings, tmp_path, bot)
        assert send(sms()).content == EMPTY
    assert bot.requests == []


def test_a_message_is_delivered_later_if_no_slot_is_free(
    settings: Settings, tmp_path: Path
) -> None:
    settings.GATEWAY_IN_FLIGHT = 0
    with app() as bot:
        put_behind(settings, tmp_path, bot)
        assert send(sms()).content == EMPTY
    assert bot.requests == []
    assert GatewayDelivery.objects.claim_due(1) == [GatewayDelivery.objects.get().pk]


def test_a_message_is_delivered_later_if_no_thread_can_be_started(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flights: Slots
) -> None:
    start = threading.Thread.start

    def start_or_fail(self: threading.Thread) -> None:
        if self.name == "gateway":
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", start_or_fail)
    with app() as bot:
        put_behind(settings, tmp_path, bot)
        assert send(sms()).content == EMPTY
    assert (bot.requests, flights.taken) == ([], 0)
    assert GatewayDelivery.objects.get().status == "waiting"


def test_a_delivery_cannot_be_claimed_while_the_web_thread_is_making_it(
    settings: Settings, tmp_path: Path
) -> None:
    free: list[list[int]] = []

    def answer(_: object) -> Reply:
        free.append(GatewayDelivery.objects.claim_due(1))
        return Reply()

    with app(answer) as bot:
        put_behind(settings, tmp_path, bot)
        send(sms())
    assert free == [[]]


def test_a_message_with_hold_is_delivered_once_its_media_is_stored(
    settings: Settings, tmp_path: Path
) -> None:
    with app() as bot, ThreadPoolExecutor(1) as threads:
        put_behind(settings, tmp_path, bot, media="hold")
        response = threads.submit(from_thread, mms(1))
        eventually(GatewayDelivery.objects.exists)
        assert bot.requests == []
        item = MediaItem.claim(MediaItem.objects.get().pk)
        assert item
        make.store(item)
        assert response.result(LONG_S) == TWIML.encode()
    assert wait_for_delivery("delivered").media_then == "1 stored"


def test_a_message_is_delivered_later_if_its_media_takes_too_long(
    settings: Settings, tmp_path: Path
) -> None:
    settings.GATEWAY_BUDGET_S = 1.0
    with app() as bot:
        put_behind(settings, tmp_path, bot, media="hold")
        assert send(mms(1)).content == EMPTY
    assert bot.requests == []
    assert GatewayDelivery.objects.get().status == "waiting"


def test_a_webhook_with_an_invalid_signature_is_refused_and_reaches_no_app(
    settings: Settings, tmp_path: Path
) -> None:
    with app() as bot:
        put_behind(settings, tmp_path, bot)
        assert send(sms(), signature="wrong").status_code == 403
    assert bot.requests == []


def test_each_status_callback_of_a_recording_is_answered_by_the_app(
    settings: Settings, tmp_path: Path
) -> None:
    done = payloads.recording_status(account_sid=make.ACCOUNT)
    with app(Reply(204, b"", ())) as bot:
        put_behind(settings, tmp_path, bot)
        for status in ("in-progress", "completed"):
            assert send(done.changed(RecordingStatus=status)).status_code == 204
    assert len(bot.requests) == 2


def test_the_doctors_request_reaches_no_app(settings: Settings, tmp_path: Path) -> None:
    with app() as bot:
        put_behind(settings, tmp_path, bot)
        assert send(payloads.conversation_event("onDoctorVisited", account_sid=make.ACCOUNT))
    assert bot.requests == []


def test_the_dispatcher_takes_over_if_the_web_process_dies_before_the_request(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("mediapipe.gateway.inline.answer_recorded", die)
    with app() as bot:
        put_behind(settings, tmp_path, bot)
        assert send(sms()).content == EMPTY
    assert GatewayDelivery.objects.claim_due(1) == []
    with time_machine.travel(timezone.now() + RESERVED_FOR):
        assert GatewayDelivery.objects.claim_due(1) == [GatewayDelivery.objects.get().pk]
