"""The stored requests are erased when they are no longer needed, or when a person asks for it."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from mediapipe.models import AttemptResult, GatewayDelivery, GatewayStatus, WebhookEvent
from mediapipe.simulator import payloads
from tasks.purge import purge
from tests.support import gateway, make
from tests.support.webhooks import send

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NUMBER = "+15550007788"


@pytest.fixture(autouse=True)
def configured(
    settings: Settings, tmp_path: Path, published: list[int], delivery_ids: list[int]
) -> None:
    """Put one app behind the gateway."""
    gateway.configure(settings, tmp_path, {"answer": "empty"})
    User.objects.create_user("ada")


def waiting(sender: str = NUMBER) -> GatewayDelivery:
    send(payloads.sms(account_sid=make.ACCOUNT).changed(From=sender))
    return GatewayDelivery.objects.latest("pk")


def ended(status: GatewayStatus) -> GatewayDelivery:
    delivery = waiting()
    assert delivery.claim()
    delivery.finish(status, AttemptResult("HTTP 403"))
    return delivery


def forget(*arguments: str) -> Any:
    out = StringIO()
    call_command("forget", *arguments, "--by", "ada", "--noinput", stdout=out)
    return json.loads(out.getvalue())


def after(days: float) -> time_machine.travel:
    return time_machine.travel(timezone.now() + timedelta(days=days))


def test_a_persons_pending_request_is_dropped_and_erased_on_request() -> None:
    delivery, other = waiting(), waiting("+15550007789")
    assert forget("--number", NUMBER)["gateway_requests"] == 1
    delivery.refresh_from_db()
    other.refresh_from_db()
    assert (delivery.status, delivery.request, delivery.conversation) == ("dropped", "", "")
    assert (other.status, other.request != "") == ("waiting", True)


def test_a_pending_request_is_erased_even_after_its_event_payload_was_purged() -> None:
    delivery = waiting()
    WebhookEvent.objects.all().purge_payloads()
    forget("--number", NUMBER)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.request) == ("dropped", "")


def test_a_request_kept_for_send_again_is_erased_on_request() -> None:
    delivery = ended(GatewayStatus.REFUSED)
    forget("--message-sid", delivery.event.subject_sid)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.request) == ("refused", "")
    assert GatewayDelivery.objects.all().send_again() == []


def test_a_refused_request_is_kept_for_a_week() -> None:
    delivery = ended(GatewayStatus.REFUSED)
    with after(days=6.9):
        assert purge()["gateway_requests"] == 0
    with after(days=7.1):
        assert purge()["gateway_requests"] == 1
    delivery.refresh_from_db()
    assert delivery.request == ""


def test_gateway_keep_0_erases_an_undelivered_request_at_the_next_purge(settings: Settings) -> None:
    settings.GATEWAY_KEEP_S = 0.0
    ended(GatewayStatus.UNKNOWN)
    with after(days=0.001):
        assert purge()["gateway_requests"] == 1


def test_ended_deliveries_are_purged_together_with_the_task_results(settings: Settings) -> None:
    settings.RETENTION_RESULTS_DAYS = 30
    ended(GatewayStatus.DELIVERED)
    pending = waiting()
    with after(days=31):
        assert purge()["gateway_deliveries"] == 1
    assert GatewayDelivery.objects.get() == pending
