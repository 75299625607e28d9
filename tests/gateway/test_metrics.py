"""/metrics counts the messages that an app has not received."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from mediapipe.models import GatewayDelivery, GatewayStatus
from tests.support import gateway
from tests.support.metrics import families
from tests.support.webhooks import mms, send

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def counted(client: Client) -> dict[tuple[str, str], float]:
    samples = families(client)["mediapipe_gateway_deliveries"].samples
    return {(each.labels["app"], each.labels["status"]): each.value for each in samples}


def test_each_app_has_a_series_for_each_state_from_the_start(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    gateway.configure(settings, tmp_path, {"answer": "empty"})
    states = ("waiting", "sending", "refused", "unknown", "gave_up")
    assert counted(client) == {("bot", state): 0 for state in states}


def test_pending_and_undelivered_messages_are_counted(
    client: Client, settings: Settings, tmp_path: Path, published: list[int]
) -> None:
    gateway.configure(settings, tmp_path, {"answer": "empty"})
    send(mms())
    send(mms())
    GatewayDelivery.objects.filter(pk=GatewayDelivery.objects.latest("pk").pk).update(
        status=GatewayStatus.UNKNOWN
    )
    found = counted(client)
    assert (found["bot", "waiting"], found["bot", "unknown"]) == (1, 1)
    oldest = families(client)["mediapipe_oldest_gateway_delivery_seconds"].samples
    assert oldest[0].value > 0
