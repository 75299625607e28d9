"""An app answers while the database is unavailable, and does not get the webhook again later."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings

from mediapipe.models import GatewayDelivery
from mediapipe.simulator import payloads
from mediapipe.webhooks import receive, record, spool
from tests.support import make
from tests.support.apps import TWIML, Reply, app
from tests.support.gateway import configure
from tests.support.webhooks import send

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.database,
    pytest.mark.usefixtures("published", "flights"),
]

LONG_S = 30.0
EMPTY = b"<Response/>"


@pytest.fixture
def restore_database(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Make recording fail as without a database; return what restores it and drains the spool."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("the server closed the connection unexpectedly")

    monkeypatch.setattr(receive.drainer, "wake", lambda: None)
    monkeypatch.setattr(connection, "close", lambda: None)
    monkeypatch.setattr(receive, "record", fail)

    def restore() -> int:
        monkeypatch.setattr(receive, "record", record.record)
        return receive.drain_spool()

    return restore


def put_behind(settings: Settings, folder: Path, url: str, **entry: Any) -> None:
    configure(settings, folder, {"url": url, "media": "leave"} | entry)


def test_the_apps_response_is_returned_and_the_delivery_recorded_later(
    settings: Settings, tmp_path: Path, restore_database: Callable[[], int]
) -> None:
    with app() as bot:
        put_behind(settings, tmp_path, bot.url)
        assert send(payloads.sms(account_sid=make.ACCOUNT)).content == TWIML.encode()
        assert spool.depth() == 1
        assert restore_database() == 1
    delivery = GatewayDelivery.objects.get()
    assert (delivery.status, delivery.request) == ("delivered", "")
    assert delivery.detail == "Sent while the database was down."
    assert GatewayDelivery.objects.claim_due(1) == []
    assert len(bot.requests) == 1


def test_a_message_that_an_app_missed_is_pending_once_the_database_is_back(
    settings: Settings, tmp_path: Path, restore_database: Callable[[], int]
) -> None:
    with app() as bot:
        put_behind(settings, tmp_path, bot.url)
    assert send(payloads.sms(account_sid=make.ACCOUNT)).content == EMPTY
    restore_database()
    assert GatewayDelivery.objects.get().status == "waiting"


def test_a_message_that_the_app_may_have_processed_is_recorded_as_unknown(
    settings: Settings, tmp_path: Path, restore_database: Callable[[], int]
) -> None:
    settings.GATEWAY_BUDGET_S = 0.5
    may_respond = threading.Event()
    with app(Reply(wait=lambda: may_respond.wait(LONG_S))) as bot:
        put_behind(settings, tmp_path, bot.url)
        assert send(payloads.sms(account_sid=make.ACCOUNT)).content == EMPTY
        may_respond.set()
    restore_database()
    delivery = GatewayDelivery.objects.get()
    assert (delivery.status, delivery.request != "") == ("unknown", True)


def test_a_repeated_webhook_reaches_the_app_only_once(
    settings: Settings, tmp_path: Path, restore_database: Callable[[], int]
) -> None:
    webhook = payloads.sms(account_sid=make.ACCOUNT)
    with app() as bot:
        put_behind(settings, tmp_path, bot.url)
        assert send(webhook).content == TWIML.encode()
        assert send(webhook).content == EMPTY
    assert (len(bot.requests), spool.depth()) == (1, 1)


def test_twilio_gets_the_apps_response_even_without_the_spool(
    settings: Settings, tmp_path: Path, restore_database: Callable[[], int]
) -> None:
    settings.SPOOL_MAX_FILES = 0
    with app() as bot:
        put_behind(settings, tmp_path, bot.url)
        assert send(payloads.sms(account_sid=make.ACCOUNT)).content == TWIML.encode()
    assert send(payloads.sms(account_sid=make.ACCOUNT)).status_code == 503


def test_a_message_to_an_app_with_answer_empty_is_pending_after_the_outage(
    settings: Settings, tmp_path: Path, restore_database: Callable[[], int]
) -> None:
    with app() as bot:
        put_behind(settings, tmp_path, bot.url, answer="empty")
        assert send(payloads.sms(account_sid=make.ACCOUNT)).content == EMPTY
    restore_database()
    assert (bot.requests, GatewayDelivery.objects.get().status) == ([], "waiting")
