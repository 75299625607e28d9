"""With `hold` a message waits for its media, and for the earlier ones of its sender."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from mediapipe.failures import Unauthorized
from mediapipe.fetching.attempt import conclude
from mediapipe.models import GatewayDelivery, MediaItem
from mediapipe.providers.base import Evidence
from tasks.gateway import dispatch_deliveries
from tests.support import make
from tests.support.clock import later
from tests.support.gateway import NOWHERE, Published, configure_one_app, only_delivery, sms
from tests.support.receivers import FakeServer
from tests.support.webhooks import mms, send

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def published(delivery_tasks: Published) -> Published:
    return delivery_tasks


def store(media: MediaItem) -> None:
    claimed = MediaItem.claim(media.pk)
    assert claimed
    make.store(claimed)


def test_a_picture_message_waits_until_all_its_media_is_stored(
    app: FakeServer, published: Published
) -> None:
    send(mms(2))
    first, second = MediaItem.objects.order_by("pk")
    store(first)
    dispatch_deliveries()
    assert published.run() == []
    store(second)
    dispatch_deliveries()
    assert published.run() == ["delivered"]
    assert only_delivery().media_then == "2 stored"


def test_a_message_does_not_wait_for_media_that_failed(
    app: FakeServer, published: Published
) -> None:
    send(mms())
    claimed = MediaItem.claim(MediaItem.objects.get().pk)
    assert claimed
    conclude(claimed, Unauthorized(), Evidence())
    dispatch_deliveries()
    assert published.run() == ["delivered"]
    assert only_delivery().media_then == "1 failed"


def test_a_message_is_delivered_without_its_media_when_its_hold_ends(
    app: FakeServer, published: Published
) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        send(mms())
        clock.shift(timedelta(seconds=59))
        dispatch_deliveries()
        assert not published
        clock.shift(timedelta(seconds=2))
        dispatch_deliveries()
        assert published.run() == ["delivered"]
    assert only_delivery().media_then == "1 queued"


def test_a_message_to_an_app_without_hold_is_delivered_at_once(
    app: FakeServer, published: Published, settings: Settings, tmp_path: Path
) -> None:
    configure_one_app(settings, tmp_path, app.url, media="leave")
    send(mms())
    assert published.run() == ["delivered"]


def test_messages_from_one_sender_are_delivered_in_order(
    app: FakeServer, published: Published
) -> None:
    picture, text = mms(), sms(sender="")
    text = text.changed(From=picture["From"], To=picture["To"])
    send(picture)
    send(text)
    assert published.run() == []
    store(MediaItem.objects.get())
    dispatch_deliveries()
    assert published.run() == ["delivered", "delivered"]
    assert [text["MessageSid"] in sent.body.decode() for sent in app.requests] == [False, True]


def test_a_message_does_not_wait_for_a_message_from_another_sender(
    app: FakeServer, published: Published
) -> None:
    send(mms())
    send(sms(sender="+15550000099"))
    assert published.run() == ["delivered"]


def test_a_message_waits_for_an_earlier_one_only_until_its_own_hold_ends(
    app: FakeServer, published: Published, settings: Settings, tmp_path: Path
) -> None:
    configure_one_app(settings, tmp_path, NOWHERE)
    first = sms()
    send(first)
    published.run()
    with later(seconds=20):
        send(sms())
        assert published.run() == []
    configure_one_app(settings, tmp_path, app.url)
    with later(seconds=81):
        GatewayDelivery.objects.filter(attempts=1).update(
            next_attempt_at=timezone.now() + timedelta(hours=1)
        )
        dispatch_deliveries()
        assert published.run() == ["delivered"]
