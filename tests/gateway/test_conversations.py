"""Events of conversations go to the app, and its answer to a pre-hook goes to Twilio."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from mediapipe.models import GatewayDelivery
from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from tests.support import make
from tests.support.apps import Reply, app
from tests.support.gateway import configure
from tests.support.service import wait_for
from tests.support.webhooks import send

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.database,
    pytest.mark.usefixtures("published", "flights"),
]

LONG_S = 30.0
CHANGE = Reply(body=b'{"body": "changed"}', headers=(("Content-Type", "application/json"),))


def event(name: str) -> Webhook:
    return payloads.conversation_event(name, account_sid=make.ACCOUNT)


def put_behind(settings: Settings, folder: Path, url: str, **entry: Any) -> None:
    configure(settings, folder, {"url": url, "media": "leave"} | entry)


def test_the_app_may_change_a_message_before_it_is_added(
    settings: Settings, tmp_path: Path
) -> None:
    with app(CHANGE) as bot:
        put_behind(settings, tmp_path, bot.url)
        response = send(event("onMessageAdd"))
    assert (response.status_code, response.json()) == (200, {"body": "changed"})
    assert not GatewayDelivery.objects.exists()


@pytest.mark.parametrize("status", [302, 403, 500])
def test_a_failing_app_does_not_block_a_message(
    settings: Settings, tmp_path: Path, status: int
) -> None:
    with app(Reply(status, b"no")) as bot:
        put_behind(settings, tmp_path, bot.url, on_failure="pass")
        response = send(event("onMessageAdd"))
    assert (response.status_code, response.json()) == (200, {})


def test_a_slow_app_does_not_block_a_message(settings: Settings, tmp_path: Path) -> None:
    settings.GATEWAY_BUDGET_S = 0.5
    may_respond = threading.Event()
    with app(Reply(wait=lambda: may_respond.wait(LONG_S))) as bot:
        put_behind(settings, tmp_path, bot.url)
        assert send(event("onMessageAdd")).json() == {}
        may_respond.set()


def test_a_forged_pre_hook_gets_an_empty_response_and_reaches_no_app(
    settings: Settings, tmp_path: Path
) -> None:
    with app(CHANGE) as bot:
        put_behind(settings, tmp_path, bot.url)
        response = send(event("onMessageAdd"), signature="wrong")
    assert (response.status_code, response.json(), bot.requests) == (200, {}, [])


@pytest.mark.parametrize("name", ["onConversationAdded", "onUserAdded"])
def test_an_event_without_media_reaches_the_app(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    with app(CHANGE) as bot:
        put_behind(settings, tmp_path, bot.url, answer="empty")
        assert send(event(name)).json() == {}
        wait_for(lambda: [{}] * len(bot.requests), bool, LONG_S)
    assert len(bot.requests) == 1


def test_an_added_message_is_delivered_and_the_apps_response_is_ignored(
    settings: Settings, tmp_path: Path
) -> None:
    with app(CHANGE) as bot:
        put_behind(settings, tmp_path, bot.url)
        assert send(payloads.conversation(1, account_sid=make.ACCOUNT)).json() == {}
        delivered = GatewayDelivery.objects.filter(status="delivered", answer="not_needed")
        wait_for(lambda: [{}] * delivered.count(), bool, LONG_S)
    assert (len(bot.requests), delivered.count()) == (1, 1)
