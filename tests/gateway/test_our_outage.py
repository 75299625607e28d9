"""After an outage of our own workers, apps are not flooded with what came in meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from mediapipe.models import GatewayDelivery, MediaItem
from tasks.gateway import dispatch_deliveries
from tests.support import make
from tests.support.gateway import Published, configure, sms
from tests.support.receivers import FakeServer, web_server
from tests.support.webhooks import mms, send

pytestmark = [pytest.mark.django_db, pytest.mark.database]

Clock = time_machine.Traveller
AWAY = timedelta(minutes=5)
INTERVAL = timedelta(seconds=5)


@pytest.fixture
def published(delivery_tasks: Published) -> Published:
    return delivery_tasks


@pytest.fixture
def app(settings: Settings, tmp_path: Path) -> Iterator[FakeServer]:
    with web_server() as server:
        configure(settings, tmp_path, {"url": server.url, "answer": "empty", "pace": "2/s"})
        yield server


@pytest.fixture
def clock() -> Iterator[Clock]:
    with time_machine.travel(timezone.now(), tick=False) as moved:
        yield moved


def store_all() -> None:
    """Store all media, as workers do after the outage."""
    for item in MediaItem.objects.order_by("pk"):
        claimed = MediaItem.claim(item.pk)
        assert claimed
        make.store(claimed)


def sids(app: FakeServer) -> list[str]:
    return [sent.body.decode().partition("MessageSid=")[2][:34] for sent in app.requests]


def test_messages_that_waited_in_the_broker_are_delivered_at_the_apps_pace(
    app: FakeServer, published: Published, clock: Clock
) -> None:
    webhooks = [sms(f"+155500001{number:02}") for number in range(25)]
    for webhook in webhooks:
        send(webhook)
    clock.shift(AWAY)
    # The broker has kept all their tasks, which now run together.
    assert published.run() == ["not due"] * 25
    delivered = []
    for _ in range(3):
        dispatch_deliveries()
        assert {gap_s for _, gap_s in published} == {0.5}
        delivered.append(len(published))
        published.run()
        clock.shift(INTERVAL)
    assert delivered == [10, 10, 5]
    assert sids(app) == [webhook["MessageSid"] for webhook in webhooks]


def test_pictures_fetched_after_the_outage_are_delivered_at_the_apps_pace(
    app: FakeServer, published: Published, clock: Clock
) -> None:
    for number in range(12):
        send(mms().changed(From=f"+155500002{number:02}"))
    clock.shift(AWAY)
    store_all()
    dispatch_deliveries()
    assert len(published) == 10
    assert set(published.run()) == {"delivered"}


def test_pictures_stored_during_the_outage_are_delivered_at_the_apps_pace(
    app: FakeServer, published: Published, clock: Clock
) -> None:
    for number in range(12):
        send(mms().changed(From=f"+155500003{number:02}"))
    store_all()
    clock.shift(AWAY)
    dispatch_deliveries()
    assert len(published) == 10


def test_a_delay_of_media_at_twilio_does_not_make_a_delivery_late(
    app: FakeServer, published: Published, clock: Clock, settings: Settings, tmp_path: Path
) -> None:
    configure(settings, tmp_path, {"url": app.url, "answer": "empty", "hold": "10m"})
    send(mms())
    first = MediaItem.claim(MediaItem.objects.get().pk)
    assert first
    MediaItem.objects.update(status="retrying", next_attempt_at=timezone.now(), leased_until=None)
    clock.shift(AWAY)
    store_all()
    dispatch_deliveries()
    assert published.run() == ["delivered"]
    assert not GatewayDelivery.objects.get().late


def test_messages_from_one_sender_stay_in_order_after_their_holds_have_ended(
    app: FakeServer, published: Published, clock: Clock
) -> None:
    webhooks = [sms("+15550000401") for _ in range(3)]
    for webhook in webhooks:
        send(webhook)
    published.clear()
    clock.shift(AWAY)
    dispatch_deliveries()
    # Two workers take them in another order.
    published.reverse()
    assert published.run() == ["not due", "not due", "delivered"]
    for _ in range(2):
        clock.shift(INTERVAL)
        dispatch_deliveries()
        published.run()
    assert sids(app) == [webhook["MessageSid"] for webhook in webhooks]


def test_an_earlier_message_with_a_later_retry_does_not_block_the_next(
    app: FakeServer, published: Published, clock: Clock
) -> None:
    for _ in range(2):
        send(sms("+15550000501"))
    first = GatewayDelivery.objects.earliest("pk")
    published.clear()
    clock.shift(AWAY)
    later: datetime = timezone.now() + timedelta(hours=1)
    GatewayDelivery.objects.filter(pk=first.pk).update(next_attempt_at=later)
    dispatch_deliveries()
    assert published.run() == ["delivered"]
