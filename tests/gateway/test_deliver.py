"""A delivery is attempted until the app has the message, or it is on record that it may not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from mediapipe.failures import Unauthorized
from mediapipe.fetching.attempt import conclude
from mediapipe.models import GatewayApp, GatewayDelivery, MediaItem
from mediapipe.models.outbox import DELIVERY_TIMEOUT, LEASE
from mediapipe.providers.base import Evidence
from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from tasks.gateway import deliver, dispatch_deliveries
from tests.support import gateway, make
from tests.support.receivers import Heard, web_server
from tests.support.webhooks import mms, send

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NOWHERE = "http://127.0.0.1:9/twilio"


class Published(list[tuple[int, float]]):
    """The ids of the deliveries whose tasks were published, and the gaps between them."""

    def add(self, ids: list[int], gap_s: float = 0.0) -> None:
        self.extend((pk, gap_s) for pk in ids)

    def run(self) -> list[str]:
        """Run the tasks published so far, and those that they publish; return the states."""
        states = []
        while self:
            states.append(deliver(delivery_id=self.pop(0)[0]))
        return states


@pytest.fixture(autouse=True)
def published(published: list[int], monkeypatch: pytest.MonkeyPatch) -> Published:
    tasks = Published()
    monkeypatch.setattr("mediapipe.gateway.dispatch.publish", tasks.add)
    return tasks


@pytest.fixture
def app(settings: Settings, tmp_path: Path) -> Iterator[Heard]:
    """Run an app that accepts everything, and put it behind the gateway."""
    with web_server() as heard:
        configure(settings, tmp_path, heard.url)
        yield heard


def configure(settings: Settings, tmp_path: Path, url: str, **options: Any) -> None:
    gateway.configure(settings, tmp_path, {"url": url, "answer": "empty", **options})


def sms(sender: str = "+15550000002") -> Webhook:
    return payloads.sms(account_sid=make.ACCOUNT).changed(From=sender)


def later(delta: timedelta) -> time_machine.travel:
    return time_machine.travel(timezone.now() + delta)


def only() -> GatewayDelivery:
    return GatewayDelivery.objects.get()


def store(media: MediaItem) -> None:
    claimed = MediaItem.claim(media.pk)
    assert claimed
    make.store(claimed)


def test_a_text_message_goes_out_at_once_byte_for_byte(app: Heard, published: Published) -> None:
    webhook = sms()
    send(webhook)
    assert published.run() == ["delivered"]
    ((_, body),) = app.requests
    assert body.decode() == webhook.form()


def test_the_request_is_erased_once_it_is_delivered(app: Heard, published: Published) -> None:
    send(sms())
    published.run()
    assert (only().request, only().conversation) == ("", "")
    assert (only().http_status, only().answer, only().attempts) == (200, "not_needed", 1)


def test_a_picture_message_waits_until_all_its_media_is_stored(
    app: Heard, published: Published
) -> None:
    send(mms(2))
    first, second = MediaItem.objects.order_by("pk")
    store(first)
    dispatch_deliveries()
    assert published.run() == []
    store(second)
    dispatch_deliveries()
    assert published.run() == ["delivered"]
    assert only().media_then == "2 stored"


def test_media_that_failed_is_waited_for_no_longer(app: Heard, published: Published) -> None:
    send(mms())
    claimed = MediaItem.claim(MediaItem.objects.get().pk)
    assert claimed
    conclude(claimed, Unauthorized(), Evidence())
    dispatch_deliveries()
    assert published.run() == ["delivered"]
    assert only().media_then == "1 failed"


def test_after_its_hold_a_message_goes_out_as_it_is(app: Heard, published: Published) -> None:
    send(mms())
    with later(timedelta(seconds=59)):
        dispatch_deliveries()
        assert not published
    with later(timedelta(seconds=61)):
        dispatch_deliveries()
        assert published.run() == ["delivered"]
    assert only().media_then == "1 queued"


def test_an_app_that_wants_no_hold_gets_the_message_at_once(
    app: Heard, published: Published, settings: Settings, tmp_path: Path
) -> None:
    configure(settings, tmp_path, app.url, media="leave")
    send(mms())
    assert published.run() == ["delivered"]


def test_messages_of_one_sender_go_out_in_order(app: Heard, published: Published) -> None:
    picture, text = mms(), sms(sender="")
    text = text.changed(From=picture["From"], To=picture["To"])
    send(picture)
    send(text)
    assert published.run() == []
    store(MediaItem.objects.get())
    dispatch_deliveries()
    assert published.run() == ["delivered", "delivered"]
    assert [text["MessageSid"] in body.decode() for _, body in app.requests] == [False, True]


def test_a_message_waits_for_another_sender_of_nobody(app: Heard, published: Published) -> None:
    send(mms())
    send(sms(sender="+15550000099"))
    assert published.run() == ["delivered"]


def test_a_message_waits_for_an_earlier_one_no_longer_than_its_hold(
    app: Heard, published: Published, settings: Settings, tmp_path: Path
) -> None:
    configure(settings, tmp_path, NOWHERE)
    first = sms()
    send(first)
    published.run()
    with later(timedelta(seconds=20)):
        send(sms())
        assert published.run() == []
    configure(settings, tmp_path, app.url)
    with later(timedelta(seconds=81)):
        GatewayDelivery.objects.filter(attempts=1).update(
            next_attempt_at=timezone.now() + timedelta(hours=1)
        )
        dispatch_deliveries()
        assert published.run() == ["delivered"]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (204, "delivered"),
        (301, "refused"),
        (403, "refused"),
        (404, "refused"),
        (408, "waiting"),
        (429, "waiting"),
        (500, "unknown"),
        (503, "waiting"),
    ],
)
def test_the_status_of_the_app_decides(
    status: int, state: str, settings: Settings, tmp_path: Path, published: Published
) -> None:
    with web_server(status) as heard:
        configure(settings, tmp_path, heard.url)
        send(sms())
        assert published.run() == [state]
    assert only().http_status == status
    # For "send again", unless the app has it.
    assert bool(only().request) == (state != "delivered")


def test_with_retry_all_an_error_of_the_app_is_retried(
    settings: Settings, tmp_path: Path, published: Published
) -> None:
    with web_server(500, 200) as heard:
        configure(settings, tmp_path, heard.url, retry="all")
        send(sms())
        assert published.run() == ["waiting"]
        with later(timedelta(seconds=10)):
            dispatch_deliveries()
            assert published.run() == ["delivered"]


def test_an_app_that_is_down_is_tried_for_eighteen_hours(
    settings: Settings, tmp_path: Path, published: Published
) -> None:
    configure(settings, tmp_path, NOWHERE)
    began = timezone.now()
    with time_machine.travel(began, tick=False) as clock:
        send(sms())
        published.run()
        while only().status == "waiting":
            due = only().next_attempt_at
            assert due
            clock.move_to(due + timedelta(seconds=11))
            dispatch_deliveries()
            published.run()
        took = timezone.now() - began
    assert (only().status, only().attempts) == ("gave_up", 24)
    assert timedelta(hours=16) < took < timedelta(hours=21)


def test_an_app_that_asks_for_time_gets_it(
    settings: Settings, tmp_path: Path, published: Published
) -> None:
    with web_server(429) as heard:
        heard.headers = {"Retry-After": "600"}
        configure(settings, tmp_path, heard.url)
        send(sms())
        published.run()
    assert only().next_attempt_at > timezone.now() + timedelta(seconds=590)  # type: ignore[operator]


def test_a_task_that_comes_twice_sends_once(app: Heard, published: Published) -> None:
    send(sms())
    pk = only().pk
    assert [deliver(delivery_id=pk), deliver(delivery_id=pk)] == ["delivered", "not due"]
    assert len(app.requests) == 1


def test_an_attempt_whose_worker_died_is_unknown(app: Heard, published: Published) -> None:
    send(sms())
    assert only().claim()
    with later(LEASE):
        dispatch_deliveries()
    assert only().status == "unknown"
    assert not app.requests


def test_with_retry_all_an_attempt_whose_worker_died_is_repeated(
    app: Heard, settings: Settings, tmp_path: Path
) -> None:
    configure(settings, tmp_path, app.url, retry="all")
    send(sms())
    assert only().claim()
    with later(LEASE):
        dispatch_deliveries()
    assert only().status == "waiting"


def test_a_request_that_was_changed_in_the_database_is_not_sent(
    app: Heard, published: Published
) -> None:
    send(sms())
    send(sms("+15550000099"))
    first, second = GatewayDelivery.objects.order_by("pk")
    GatewayDelivery.objects.filter(pk=first.pk).update(request=second.request)
    assert published.run() == ["dropped", "delivered"]
    assert len(app.requests) == 1


def test_the_deliveries_of_an_app_that_was_removed_are_dropped(
    app: Heard, settings: Settings, tmp_path: Path
) -> None:
    send(mms())
    gateway.configure(settings, tmp_path, {"name": "crm", "url": app.url})
    dispatch_deliveries()
    assert (only().status, only().request) == ("dropped", "")


def test_three_failed_connections_block_an_app_for_ten_seconds(
    settings: Settings, tmp_path: Path, published: Published
) -> None:
    configure(settings, tmp_path, NOWHERE)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for number in range(4):
            send(sms(f"+1555000001{number}"))
        assert published.run() == ["waiting"] * 3 + ["not due"]
        clock.shift(timedelta(seconds=9))
        dispatch_deliveries()
        assert not published
        clock.shift(timedelta(seconds=2))
        dispatch_deliveries()
        assert published


def test_a_response_ends_the_block(app: Heard, published: Published) -> None:
    for _ in range(2):
        GatewayApp.record_failure("bot")
    send(sms())
    published.run()
    assert GatewayApp.objects.get().failures == 0


def test_after_an_outage_an_app_is_not_flooded(
    settings: Settings, tmp_path: Path, published: Published
) -> None:
    configure(settings, tmp_path, NOWHERE, pace="2/s")
    for number in range(30):
        send(sms(f"+155500001{number:02}"))
    published.run()
    dispatch_deliveries()
    with later(timedelta(seconds=30)):
        dispatch_deliveries()
    # A run every five seconds.
    assert [gap_s for _, gap_s in published] == [0.5] * 10


def test_an_app_that_hangs_takes_half_of_the_threads_at_most(
    app: Heard, published: Published, settings: Settings
) -> None:
    settings.CELERY_WORKER_CONCURRENCY = 4
    for number in range(3):
        send(sms(f"+1555000010{number}"))
    first, second, third = GatewayDelivery.objects.order_by("pk")
    assert first.claim()
    assert second.claim()
    assert deliver(delivery_id=third.pk) == "not due"


def test_what_was_refused_can_be_sent_again(
    settings: Settings, tmp_path: Path, published: Published
) -> None:
    with web_server(403, 200) as heard:
        configure(settings, tmp_path, heard.url)
        send(sms())
        published.run()
        assert GatewayDelivery.objects.all().send_again() == [only().pk]
        dispatch_deliveries()
        assert published.run() == ["delivered"]
    assert ["403" in entry.result for entry in only().delivery_log] == [True, False]


def test_what_cannot_be_signed_does_not_block_the_app(
    app: Heard, published: Published, settings: Settings
) -> None:
    for number in range(3):
        send(sms(f"+1555000020{number}"))
    settings.TWILIO_AUTH_TOKEN = "rotated"
    assert published.run() == ["waiting"] * 3
    assert not GatewayApp.objects.blocked(timezone.now()).exists()


def test_a_message_whose_task_the_broker_lost_is_published_again(
    app: Heard, published: Published
) -> None:
    send(sms())
    published.clear()
    dispatch_deliveries()
    # It may still be in the queue.
    assert not published
    with later(DELIVERY_TIMEOUT):
        dispatch_deliveries()
        assert published.run() == ["delivered"]
