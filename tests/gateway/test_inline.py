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
from tests.support.gateway import configure, ended, sms
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


def test_the_answer_of_the_app_is_the_answer_to_twilio(settings: Settings, tmp_path: Path) -> None:
    headers = (("Content-Type", "text/xml; charset=utf-8"), ("Set-Cookie", "SESSION_ID=1; Path=/x"))
    with app(Reply(headers=headers)) as bot:
        put_behind(settings, tmp_path, bot)
        response = send(sms())
    assert (response.status_code, response.content) == (200, TWIML.encode())
    assert response["Content-Type"] == "text/xml; charset=utf-8"
    (cookie,) = response.cookies.values()
    assert cookie.OutputString() == "SESSION_ID=1; Path=/webhooks/twilio/messaging/"
    delivery = ended("delivered", answer="used")
    assert (delivery.http_status, delivery.answer_bytes) == (200, len(TWIML))
    assert delivery.request == ""


def test_the_event_is_durable_before_the_app_gets_it(settings: Settings, tmp_path: Path) -> None:
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
    ended("refused" if status == 403 else "unknown", http_status=status)


def test_an_app_that_is_down_gets_it_later(settings: Settings, tmp_path: Path) -> None:
    with app() as bot:
        put_behind(settings, tmp_path, bot)
    assert send(sms()).content == EMPTY
    delivery = ended("waiting", attempts=1)
    assert (delivery.late, delivery.request != "") == (True, True)


def test_a_failure_that_is_passed_on_is_not_sent_again(settings: Settings, tmp_path: Path) -> None:
    with app() as bot:
        put_behind(settings, tmp_path, bot, on_failure="pass")
    response = send(sms())
    assert (response.status_code, response.content) == (502, b"")
    ended("gave_up")


def test_an_answer_that_comes_too_late_is_lost_and_recorded(
    settings: Settings, tmp_path: Path
) -> None:
    go_on = threading.Event()
    settings.GATEWAY_BUDGET_S = 1.0
    with app(Reply(wait=lambda: go_on.wait(LONG_S))) as bot:
        put_behind(settings, tmp_path, bot)
        assert send(sms()).content == EMPTY
        assert GatewayDelivery.objects.get().status == "sending"
        go_on.set()
        assert "too late for Twilio" in ended("delivered", answer="lost").detail
    assert len(bot.got) == 1


def test_a_redirect_of_the_app_is_followed_by_twilio(settings: Settings, tmp_path: Path) -> None:
    with app(Reply(302, b"", (("Location", "/next"),))) as bot:
        put_behind(settings, tmp_path, bot)
        response = send(sms())
    assert (response.status_code, response["Location"]) == (302, f"{bot.origin}/next")
    ended("delivered", answer="used")


def test_a_repeat_while_it_runs_gets_the_same_answer(settings: Settings, tmp_path: Path) -> None:
    go_on, webhook = threading.Event(), sms()
    with app(Reply(wait=lambda: go_on.wait(LONG_S))) as bot, ThreadPoolExecutor(3) as threads:
        put_behind(settings, tmp_path, bot)
        first = threads.submit(from_thread, webhook)
        eventually(lambda: bot.got)
        repeats = [threads.submit(from_thread, webhook) for _ in range(2)]
        eventually(lambda: WebhookEvent.objects.get().repeats == 2)
        go_on.set()
        answers = {each.result(LONG_S) for each in (first, *repeats)}
    assert answers == {TWIML.encode()}
    assert len(bot.got) == 1


def test_a_repeat_within_a_minute_gets_the_same_answer_and_later_an_empty_one(
    settings: Settings, tmp_path: Path
) -> None:
    webhook = sms()
    with app() as bot:
        put_behind(settings, tmp_path, bot)
        send(webhook)
        ended("delivered")
        assert send(webhook).content == TWIML.encode()
        GatewayReply.objects.update(expires_at=WebhookEvent.objects.get().received_at)
        assert send(webhook).content == EMPTY
    assert len(bot.got) == 1


def test_several_messages_of_a_sender_in_a_row_are_all_answered(
    settings: Settings, tmp_path: Path
) -> None:
    go_on = threading.Event()
    with app(Reply(wait=lambda: go_on.wait(LONG_S))) as bot, ThreadPoolExecutor(4) as threads:
        put_behind(settings, tmp_path, bot)
        answers = [threads.submit(from_thread, sms()) for _ in range(4)]
        eventually(lambda: len(bot.got) == 4)
        go_on.set()
        assert {each.result(LONG_S) for each in answers} == {TWIML.encode()}


def test_a_message_does_not_overtake_one_that_waits(settings: Settings, tmp_path: Path) -> None:
    with app() as bot:
        put_behind(settings, tmp_path, bot)
    assert send(sms()).content == EMPTY
    ended("waiting", attempts=1)
    with app() as bot:
        put_behind(settings, tmp_path, bot)
        assert send(sms()).content == EMPTY
    assert bot.got == []


def test_without_a_free_slot_the_app_gets_it_later(settings: Settings, tmp_path: Path) -> None:
    settings.GATEWAY_IN_FLIGHT = 0
    with app() as bot:
        put_behind(settings, tmp_path, bot)
        assert send(sms()).content == EMPTY
    assert bot.got == []
    assert GatewayDelivery.objects.claim_due(1) == [GatewayDelivery.objects.get().pk]


def test_without_a_thread_for_the_request_the_app_gets_it_later(
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
    assert (bot.got, flights.taken) == ([], 0)
    assert GatewayDelivery.objects.get().status == "waiting"


def test_it_is_reserved_for_the_web_thread_while_that_asks_the_app(
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


def test_with_hold_it_waits_for_the_media(settings: Settings, tmp_path: Path) -> None:
    with app() as bot, ThreadPoolExecutor(1) as threads:
        put_behind(settings, tmp_path, bot, media="hold")
        response = threads.submit(from_thread, mms(1))
        eventually(GatewayDelivery.objects.exists)
        assert bot.got == []
        item = MediaItem.claim(MediaItem.objects.get().pk)
        assert item
        make.store(item)
        assert response.result(LONG_S) == TWIML.encode()
    assert ended("delivered").media_then == "1 stored"


def test_media_that_takes_long_is_delivered_later(settings: Settings, tmp_path: Path) -> None:
    settings.GATEWAY_BUDGET_S = 1.0
    with app() as bot:
        put_behind(settings, tmp_path, bot, media="hold")
        assert send(mms(1)).content == EMPTY
    assert bot.got == []
    assert GatewayDelivery.objects.get().status == "waiting"


def test_what_is_not_signed_reaches_no_app(settings: Settings, tmp_path: Path) -> None:
    with app() as bot:
        put_behind(settings, tmp_path, bot)
        assert send(sms(), signature="wrong").status_code == 403
    assert bot.got == []


def test_of_a_recording_each_status_is_answered(settings: Settings, tmp_path: Path) -> None:
    done = payloads.recording_status(account_sid=make.ACCOUNT)
    with app(Reply(204, b"", ())) as bot:
        put_behind(settings, tmp_path, bot)
        for status in ("in-progress", "completed"):
            assert send(done.changed(RecordingStatus=status)).status_code == 204
    assert len(bot.got) == 2


def test_the_doctors_request_reaches_no_app(settings: Settings, tmp_path: Path) -> None:
    with app() as bot:
        put_behind(settings, tmp_path, bot)
        assert send(payloads.conversation_event("onDoctorVisited", account_sid=make.ACCOUNT))
    assert bot.got == []


def test_a_web_process_that_dies_before_it_asks_leaves_it_to_the_dispatcher(
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
