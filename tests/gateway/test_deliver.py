"""A delivery is attempted until the app has the message, or its status says that it may not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from mediapipe.models import GatewayApp, GatewayDelivery
from mediapipe.models.outbox import DELIVERY_TIMEOUT, LEASE
from tasks.gateway import deliver, dispatch_deliveries
from tests.support import gateway
from tests.support.clock import later
from tests.support.gateway import NOWHERE, Published, configure_one_app, only_delivery, sms
from tests.support.receivers import FakeServer, web_server
from tests.support.webhooks import mms, send

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def published(delivery_tasks: Published) -> Published:
    return delivery_tasks


def test_a_text_message_is_delivered_at_once_byte_for_byte(
    app: FakeServer, published: Published
) -> None:
    webhook = sms()
    send(webhook)
    assert published.run() == ["delivered"]
    (sent,) = app.requests
    assert sent.body.decode() == webhook.form()


def test_the_request_is_erased_once_it_is_delivered(app: FakeServer, published: Published) -> None:
    send(sms())
    published.run()
    assert (only_delivery().request, only_delivery().conversation) == ("", "")
    assert (only_delivery().http_status, only_delivery().answer, only_delivery().attempts) == (
        200,
        "not_needed",
        1,
    )


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
def test_the_apps_http_status_determines_the_state_of_the_delivery(
    status: int, state: str, settings: Settings, tmp_path: Path, published: Published
) -> None:
    with web_server(status) as server:
        configure_one_app(settings, tmp_path, server.url)
        send(sms())
        assert published.run() == [state]
    assert only_delivery().http_status == status
    # Kept for "send again" unless the app has it.
    assert bool(only_delivery().request) == (state != "delivered")


def test_with_retry_all_a_500_from_the_app_is_retried(
    settings: Settings, tmp_path: Path, published: Published
) -> None:
    with web_server(500, 200) as server:
        configure_one_app(settings, tmp_path, server.url, retry="all")
        send(sms())
        assert published.run() == ["waiting"]
        with later(seconds=10):
            dispatch_deliveries()
            assert published.run() == ["delivered"]


def test_a_delivery_is_retried_for_about_eighteen_hours_and_then_given_up(
    settings: Settings, tmp_path: Path, published: Published
) -> None:
    configure_one_app(settings, tmp_path, NOWHERE)
    began = timezone.now()
    with time_machine.travel(began, tick=False) as clock:
        send(sms())
        published.run()
        while only_delivery().status == "waiting":
            due = only_delivery().next_attempt_at
            assert due
            clock.move_to(due + timedelta(seconds=11))
            dispatch_deliveries()
            published.run()
        took = timezone.now() - began
    assert (only_delivery().status, only_delivery().attempts) == ("gave_up", 24)
    assert timedelta(hours=16) < took < timedelta(hours=21)


def test_retry_after_postpones_the_next_attempt(
    settings: Settings, tmp_path: Path, published: Published
) -> None:
    with web_server(429) as server:
        server.headers = {"Retry-After": "600"}
        configure_one_app(settings, tmp_path, server.url)
        send(sms())
        published.run()
    assert only_delivery().next_attempt_at > timezone.now() + timedelta(seconds=590)  # type: ignore[operator]


def test_a_task_that_runs_twice_sends_the_message_once(
    app: FakeServer, published: Published
) -> None:
    send(sms())
    pk = only_delivery().pk
    assert [deliver(delivery_id=pk), deliver(delivery_id=pk)] == ["delivered", "not due"]
    assert len(app.requests) == 1


def test_a_delivery_whose_worker_died_is_recorded_as_unknown(
    app: FakeServer, published: Published
) -> None:
    send(sms())
    assert only_delivery().claim()
    with later(seconds=LEASE.total_seconds()):
        dispatch_deliveries()
    assert only_delivery().status == "unknown"
    assert not app.requests


def test_with_retry_all_a_delivery_whose_worker_died_is_retried(
    app: FakeServer, settings: Settings, tmp_path: Path
) -> None:
    configure_one_app(settings, tmp_path, app.url, retry="all")
    send(sms())
    assert only_delivery().claim()
    with later(seconds=LEASE.total_seconds()):
        dispatch_deliveries()
    assert only_delivery().status == "waiting"


def test_a_request_that_was_changed_in_the_database_is_not_sent(
    app: FakeServer, published: Published
) -> None:
    send(sms())
    send(sms("+15550000099"))
    first, second = GatewayDelivery.objects.order_by("pk")
    GatewayDelivery.objects.filter(pk=first.pk).update(request=second.request)
    assert published.run() == ["dropped", "delivered"]
    assert len(app.requests) == 1


def test_deliveries_to_a_removed_app_are_dropped_after_ten_minutes(
    app: FakeServer, settings: Settings, tmp_path: Path
) -> None:
    send(mms())
    gateway.configure(settings, tmp_path, {"name": "crm", "url": app.url})
    dispatch_deliveries()
    assert only_delivery().status == "waiting"
    with later(minutes=11):
        dispatch_deliveries()
    assert (only_delivery().status, only_delivery().request) == ("dropped", "")
    assert only_delivery().detail == "The app is no longer in GATEWAY_FILE."


def test_a_worker_that_does_not_know_an_app_yet_leaves_its_message_waiting(
    app: FakeServer, settings: Settings, tmp_path: Path, published: Published
) -> None:
    send(sms())
    known = settings.GATEWAY_FILE
    (tmp_path / "old").mkdir()
    gateway.configure(settings, tmp_path / "old")
    assert published.run() == ["not due"]
    settings.GATEWAY_FILE = known
    with later(minutes=1):
        dispatch_deliveries()
        assert published.run() == ["delivered"]


def test_three_failed_connections_block_an_app_for_ten_seconds(
    settings: Settings, tmp_path: Path, published: Published
) -> None:
    configure_one_app(settings, tmp_path, NOWHERE)
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


def test_a_response_resets_the_count_of_failed_connections(
    app: FakeServer, published: Published
) -> None:
    for _ in range(2):
        GatewayApp.record_failure("bot")
    send(sms())
    published.run()
    assert GatewayApp.objects.get().failures == 0


def test_messages_are_delivered_at_the_apps_pace_after_an_outage(
    settings: Settings, tmp_path: Path, published: Published
) -> None:
    configure_one_app(settings, tmp_path, NOWHERE, pace="2/s")
    for number in range(30):
        send(sms(f"+155500001{number:02}"))
    published.run()
    dispatch_deliveries()
    with later(seconds=30):
        dispatch_deliveries()
    # At 2 per second, ten until the next run of the dispatcher in five seconds.
    assert [gap_s for _, gap_s in published] == [0.5] * 10


def test_an_app_that_hangs_occupies_at_most_half_of_the_threads(
    app: FakeServer, published: Published, settings: Settings
) -> None:
    settings.CELERY_WORKER_CONCURRENCY = 4
    for number in range(3):
        send(sms(f"+1555000010{number}"))
    first, second, third = GatewayDelivery.objects.order_by("pk")
    assert first.claim()
    assert second.claim()
    assert deliver(delivery_id=third.pk) == "not due"


def test_a_refused_message_can_be_sent_again(
    settings: Settings, tmp_path: Path, published: Published
) -> None:
    with web_server(403, 200) as server:
        configure_one_app(settings, tmp_path, server.url)
        send(sms())
        published.run()
        assert GatewayDelivery.objects.all().send_again() == [only_delivery().pk]
        dispatch_deliveries()
        assert published.run() == ["delivered"]
    assert ["403" in entry.result for entry in only_delivery().delivery_log] == [True, False]


def test_a_message_that_cannot_be_signed_does_not_block_the_app(
    app: FakeServer, published: Published, settings: Settings
) -> None:
    for number in range(3):
        send(sms(f"+1555000020{number}"))
    settings.TWILIO_AUTH_TOKEN = "rotated"
    assert published.run() == ["waiting"] * 3
    assert not GatewayApp.objects.blocked(timezone.now()).exists()


def test_a_message_whose_task_the_broker_lost_is_published_again(
    app: FakeServer, published: Published
) -> None:
    send(sms())
    published.clear()
    dispatch_deliveries()
    # It may still be in the queue.
    assert not published
    with later(seconds=DELIVERY_TIMEOUT.total_seconds()):
        dispatch_deliveries()
        assert published.run() == ["delivered"]
