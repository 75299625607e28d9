"""The auth token is rotated between the receipt of a message and its delivery."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from mediapipe.models import GatewayDelivery
from mediapipe.simulator import payloads
from tasks.gateway import dispatch_deliveries
from tests.support import make
from tests.support.apps import App, app
from tests.support.gateway import Published, configure
from tests.support.validators import by_hand
from tests.support.webhooks import send

pytestmark = pytest.mark.django_db

NEW = "54321"


@pytest.fixture
def bot(settings: Settings, tmp_path: Path, delivery_tasks: Published) -> Iterator[App]:
    """Receive a message for an app; its delivery task has not run."""
    with app() as running:
        configure(settings, tmp_path, {"url": running.url, "answer": "empty"})
        send(payloads.sms(account_sid=make.ACCOUNT))
        yield running


def test_with_both_tokens_a_message_is_signed_with_the_one_that_verified_it(
    bot: App, settings: Settings, delivery_tasks: Published
) -> None:
    settings.TWILIO_AUTH_TOKEN = f"{NEW},{make.TOKEN}"
    assert delivery_tasks.run() == ["delivered"]
    assert by_hand(bot.requests[0])


def test_with_only_the_new_token_a_message_waits_for_the_old_one(
    bot: App, settings: Settings, delivery_tasks: Published
) -> None:
    settings.TWILIO_AUTH_TOKEN = NEW
    assert delivery_tasks.run() == ["waiting"]
    assert "its own signature no longer verifies" in GatewayDelivery.objects.get().detail
    assert bot.requests == []
    settings.TWILIO_AUTH_TOKEN = f"{NEW},{make.TOKEN}"
    with time_machine.travel(timezone.now() + timedelta(seconds=10)):
        dispatch_deliveries()
        assert delivery_tasks.run() == ["delivered"]


def test_a_message_received_with_the_new_token_is_signed_with_it(
    bot: App, settings: Settings, delivery_tasks: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TWILIO_AUTH_TOKEN = f"{NEW},{make.TOKEN}"
    monkeypatch.setattr(make, "TOKEN", NEW)
    send(payloads.sms(account_sid=make.ACCOUNT))
    assert delivery_tasks.run() == ["delivered", "delivered"]
    assert by_hand(bot.requests[1])
