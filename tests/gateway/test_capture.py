"""A verified webhook becomes one delivery for each matching app, together with its event."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from mediapipe.gateway.original import OriginalRequest
from mediapipe.models import GatewayDelivery, WebhookEvent
from mediapipe.providers import twilio
from mediapipe.providers.base import WebhookRequest
from mediapipe.queueing import limits
from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.webhooks import sign
from mediapipe.webhooks import spool
from mediapipe.webhooks.receive import drain_spool
from mediapipe.webhooks.record import RECONCILED, record
from mediapipe.webhooks.request import ReceivedWebhook
from tests.support import gateway, make
from tests.support.webhooks import MESSAGING, ORIGIN, mms, send

pytestmark = [pytest.mark.django_db, pytest.mark.database]

OTHER = "+15559999999"


@pytest.fixture(autouse=True)
def configured(settings: Settings, tmp_path: Path, delivery_ids: list[int]) -> None:
    """Put one app behind the gateway."""
    gateway.configure(settings, tmp_path, {"answer": "empty"})


def reconciled(webhook: Webhook) -> None:
    message = twilio.parse("messaging", tuple(webhook.parameters))
    assert message
    now = timezone.now()
    found = replace(message, source=RECONCILED)
    record(found, provider="twilio", received_at=now, reconciled_at=now)


def test_a_delivery_stores_the_request_as_it_was_received() -> None:
    assert send(mms()).status_code == 200
    delivery = GatewayDelivery.objects.get()
    assert (delivery.entry, delivery.status) == ("bot", "waiting")
    original = OriginalRequest.from_json(delivery.unseal())
    twilio.verify(original.as_webhook_request())
    assert original.url == f"{ORIGIN}/webhooks/twilio/messaging/"


def test_each_matching_app_gets_a_delivery(settings: Settings, tmp_path: Path) -> None:
    apps = [{"name": name, "answer": "empty"} for name in ("bot", "crm")]
    others = {"name": "shop", "answer": "empty", "to": [OTHER]}
    gateway.configure(settings, tmp_path, *apps, others)
    send(mms())
    assert set(GatewayDelivery.objects.values_list("entry", flat=True)) == {"bot", "crm"}


def test_a_repeated_webhook_creates_no_second_delivery() -> None:
    webhook = mms()
    send(webhook)
    send(webhook)
    assert GatewayDelivery.objects.count() == 1


def test_a_repeat_at_the_fallback_url_creates_no_second_delivery() -> None:
    webhook = mms()
    send(webhook)
    send(webhook.fallback("11200", "https://example.com"))
    assert GatewayDelivery.objects.count() == 1


def test_a_message_found_by_reconciliation_is_not_delivered() -> None:
    reconciled(mms())
    assert WebhookEvent.objects.count() == 1
    assert not GatewayDelivery.objects.exists()


def test_a_webhook_that_arrives_after_reconciliation_is_delivered_once() -> None:
    webhook = mms()
    reconciled(webhook)
    send(webhook)
    send(webhook)
    assert GatewayDelivery.objects.count() == 1


def test_each_status_of_a_recording_is_delivered() -> None:
    webhook = payloads.recording_status(account_sid=make.ACCOUNT)
    for each in (webhook.changed(RecordingStatus="in-progress"), webhook, webhook):
        send(each)
    statuses = GatewayDelivery.objects.order_by("pk").values_list("about", flat=True)
    assert list(statuses) == ["in-progress", "completed"]


def test_a_forged_webhook_is_refused_and_creates_no_delivery() -> None:
    assert send(mms(), signature="wrong").status_code == 403
    assert not GatewayDelivery.objects.exists()


def test_the_row_of_a_delivery_contains_no_phone_number() -> None:
    send(mms())
    row = str(GatewayDelivery.objects.values().get())
    assert WebhookEvent.objects.get().sender.removeprefix("+") not in row


def test_a_spooled_webhook_is_delivered_once_the_database_is_back() -> None:
    signed = sign(mms(), ORIGIN + MESSAGING, make.TOKEN)
    headers = {name.lower(): value for name, value in signed.headers.items()}
    request = WebhookRequest("POST", signed.url, headers, signed.body.encode())
    spool.put(ReceivedWebhook(twilio, "messaging", timezone.now(), request))
    assert drain_spool() == 1
    assert GatewayDelivery.objects.count() == 1


def test_a_message_to_a_number_without_an_app_takes_no_extra_queries(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.GATEWAY_FILE = ""
    monkeypatch.setattr(limits, "QUOTA_CHECK_INTERVAL_S", 60.0)
    # Caches the count of the account's queue.
    limits.account_quota.allows(make.ACCOUNT)
    with CaptureQueriesContext(connection) as without:
        send(mms())
    gateway.configure(settings, tmp_path, {"answer": "empty", "to": [OTHER]})
    with CaptureQueriesContext(connection) as with_another:
        send(mms())
    assert len(with_another) == len(without)
