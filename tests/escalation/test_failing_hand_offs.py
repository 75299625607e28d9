"""Failing hand-offs are one incident, until the receiver accepts them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from mediapipe.escalation import detection
from mediapipe.models import Cause, HandOff, Incident
from mediapipe.models.hand_offs import Completion
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

REFUSED = {"at": "2026-03-20T12:00:00+00:00", "took_s": 0.1, "result": "HTTP 500"}


def hand_offs(count: int, **state: Any) -> None:
    for _ in range(count):
        HandOff.objects.create(
            media=make.media(), receiver="webhook", ending=Completion.STORED, log=[REFUSED], **state
        )


def delivered(count: int = 1) -> None:
    hand_offs(count, status="delivered", delivered_at=timezone.now())


def detected() -> Incident | None:
    detection.run_detectors(timezone.now())
    return Incident.objects.ongoing().filter(cause=Cause.HAND_OFFS).first()


def test_a_receiver_that_accepts_nothing_opens_an_incident() -> None:
    hand_offs(1, attempts=4)
    incident = detected()
    assert incident
    assert incident.detail == "Failing hand-offs: 1. Last result: HTTP 500"


def test_the_incident_is_resolved_once_every_hand_off_is_delivered() -> None:
    hand_offs(1, attempts=4)
    detected()
    HandOff.objects.update(status="delivered", delivered_at=timezone.now())
    assert detected() is None
    assert Incident.objects.get().resolved_at


def test_a_receiver_that_restarts_opens_no_incident() -> None:
    hand_offs(9, attempts=3)
    assert detected() is None


def test_a_few_refusals_among_deliveries_open_no_incident() -> None:
    delivered()
    hand_offs(4, status="failed")
    assert detected() is None


def test_many_refusals_among_deliveries_open_an_incident() -> None:
    delivered()
    hand_offs(5, status="failed")
    assert detected()


def test_failures_before_the_window_do_not_count() -> None:
    hand_offs(9, status="failed", sweep_at=timezone.now() - timedelta(days=3))
    assert detected() is None
