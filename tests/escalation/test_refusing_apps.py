"""An app whose signature check fails is an incident until it accepts a message."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from mediapipe.escalation.detection import run_detectors
from mediapipe.models import AttemptResult, Cause, GatewayDelivery, GatewayStatus, Incident
from mediapipe.simulator import payloads
from tests.support import gateway, make
from tests.support.webhooks import send

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def configured(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway.configure(settings, tmp_path, {"answer": "empty"})
    monkeypatch.setattr("mediapipe.gateway.dispatch.publish", lambda ids, gap_s=0.0: None)


def answered(http_status: int, status: GatewayStatus = GatewayStatus.REFUSED) -> None:
    send(payloads.sms(account_sid=make.ACCOUNT))
    delivery = GatewayDelivery.objects.latest("pk")
    # Otherwise it would wait behind the previous one of the same sender.
    GatewayDelivery.objects.update(conversation="")
    assert delivery.claim()
    delivery.finish(status, AttemptResult("", http_status))


def ongoing() -> list[str]:
    run_detectors(timezone.now())
    return [incident.detail for incident in Incident.objects.ongoing()]


@pytest.mark.parametrize("http_status", [401, 403])
def test_the_incident_names_the_app_and_the_number_of_rejections(http_status: int) -> None:
    answered(http_status)
    answered(http_status)
    assert ongoing() == ["Webhooks rejected, by app: bot 2."]
    assert Incident.objects.get().cause == Cause.APP_REFUSES


def test_a_404_from_the_app_opens_no_incident() -> None:
    answered(404)
    assert ongoing() == []


def test_the_incident_is_resolved_when_the_app_accepts_a_message() -> None:
    answered(403)
    ongoing()
    answered(200, GatewayStatus.DELIVERED)
    assert ongoing() == []


def test_the_incident_stays_open_without_new_messages() -> None:
    answered(403)
    ongoing()
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert ongoing()
