"""A process that stops sending heartbeats is an incident."""

from __future__ import annotations

import time

import pytest

from mediapipe.models import Cause, Heartbeat, Incident
from mediapipe.models.heartbeats import BEAT, SWEEP
from mediapipe.operations import components

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("running")]


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the grace period be over; broker, beat and dispatcher respond, but no worker does."""
    monkeypatch.setattr(components, "broker_error", lambda: None)
    monkeypatch.setattr(components, "STARTED_AT_S", float("-inf"))
    Heartbeat.record(BEAT)
    Heartbeat.record(SWEEP)


def test_a_silent_process_is_an_incident_until_it_responds() -> None:
    components.record_stuck()
    incident = Incident.objects.get()
    assert (incident.cause, incident.detail) == (Cause.COMPONENT, "Workers never seen.")
    Heartbeat.record("worker celery@here")
    components.record_stuck()
    incident.refresh_from_db()
    assert incident.resolved_at


def test_no_incident_is_opened_while_the_processes_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components, "STARTED_AT_S", time.monotonic())
    components.record_stuck()
    assert not Incident.objects.exists()
