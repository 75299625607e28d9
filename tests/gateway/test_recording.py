"""What an app answered is recorded once the database is back, and the app gets nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from mediapipe.gateway import deliver
from mediapipe.gateway.send import TIMEOUT_S
from mediapipe.models import GatewayDelivery
from mediapipe.models.outbox import LEASE
from mediapipe.simulator import payloads
from tasks.gateway import dispatch_deliveries
from tests.support import make
from tests.support.apps import TWIML, App, app
from tests.support.gateway import Published, configure, wait_for_delivery
from tests.support.webhooks import send

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.database,
    pytest.mark.usefixtures("flights"),
]


@pytest.fixture(autouse=True)
def published(delivery_tasks: Published) -> Published:
    return delivery_tasks


@pytest.fixture
def bot() -> Iterator[App]:
    with app() as running:
        yield running


@pytest.fixture(autouse=True)
def outage(monkeypatch: pytest.MonkeyPatch) -> list[OperationalError]:
    """Make the database unavailable the first three times that an attempt's end is recorded."""
    end_attempt = GatewayDelivery._end_attempt
    errors = [OperationalError("the server closed the connection unexpectedly")] * 3

    def end_attempt_or_fail(self: GatewayDelivery, *arguments: Any) -> bool:
        if errors:
            raise errors.pop()
        return end_attempt(self, *arguments)

    monkeypatch.setattr(GatewayDelivery, "_end_attempt", end_attempt_or_fail)
    monkeypatch.setattr(deliver, "RECORD_INTERVAL_S", 0.01)
    return errors


def receive(settings: Settings, folder: Path, of: App, **entry: Any) -> bytes:
    """Receive a text message for this app; return what Twilio gets."""
    configure(settings, folder, {"url": of.url} | entry)
    content: bytes = send(payloads.sms(account_sid=make.ACCOUNT)).content
    return content


def status() -> str:
    return GatewayDelivery.objects.get().status


def test_a_delivery_is_recorded_once_the_database_is_back(
    bot: App, published: Published, settings: Settings, tmp_path: Path
) -> None:
    receive(settings, tmp_path, bot, answer="empty")
    assert published.run() == ["delivered"]
    assert (status(), len(bot.requests)) == ("delivered", 1)


def test_a_delivery_is_recorded_if_the_database_failed_right_after_its_claim(
    bot: App,
    published: Published,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(self: GatewayDelivery) -> str:
        raise OperationalError("the server closed the connection unexpectedly")

    monkeypatch.setattr(GatewayDelivery, "media_summary", fail)
    receive(settings, tmp_path, bot, answer="empty")
    assert published.run() == ["delivered"]
    assert (status(), len(bot.requests)) == ("delivered", 1)


def test_a_response_passed_on_to_twilio_is_recorded_once_the_database_is_back(
    bot: App, settings: Settings, tmp_path: Path
) -> None:
    assert receive(settings, tmp_path, bot) == TWIML.encode()
    wait_for_delivery("delivered", answer="used")
    assert len(bot.requests) == 1


def test_a_delivery_is_unknown_if_the_database_is_unavailable_for_too_long(
    bot: App,
    published: Published,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    outage: list[OperationalError],
) -> None:
    monkeypatch.setattr(deliver, "RECORD_FOR_S", 0.0)
    receive(settings, tmp_path, bot, answer="empty")
    with pytest.raises(OperationalError):
        published.run()
    outage.clear()
    with time_machine.travel(timezone.now() + LEASE):
        dispatch_deliveries()
    assert (status(), len(bot.requests)) == ("unknown", 1)


def test_a_delayed_recording_does_not_overwrite_the_dispatchers_decision(
    bot: App,
    published: Published,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lose_the_lease() -> None:
        GatewayDelivery.objects.update(status="unknown", ended_at=timezone.now())

    monkeypatch.setattr(deliver, "close_old_connections", lose_the_lease)
    receive(settings, tmp_path, bot, answer="empty")
    published.run()
    assert status() == "unknown"


def test_a_request_and_its_recording_end_before_the_lease_expires() -> None:
    assert timedelta(seconds=TIMEOUT_S + deliver.RECORD_FOR_S) < LEASE
