"""Incidents that are not Twilio's propagation: failures, our queue, credentials."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from mediapipe.failures import MediaDeleted, TooLarge
from mediapipe.models import Cause, Incident, MediaItem, Status
from tests.support.detection import LARGE, NOW, detect_incidents, receive_media

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_permanent_failures_open_an_incident_with_their_reasons() -> None:
    receive_media(24, status=Status.FAILED, error=TooLarge.slug, failed_at=NOW - timedelta(hours=1))
    assert detect_incidents() == [(Cause.FAILURES, LARGE, "open")]
    assert "too_large 24" in Incident.objects.get().detail


def test_media_deleted_at_twilio_opens_no_incident() -> None:
    receive_media(
        40, status=Status.FAILED, error=MediaDeleted.slug, failed_at=NOW - timedelta(hours=1)
    )
    assert detect_incidents() == []


def test_failures_explained_by_an_incident_open_no_second_one() -> None:
    receive_media(100)
    late = receive_media(30, late=True)
    detect_incidents()
    MediaItem.objects.filter(pk__in=[item.pk for item in late]).update(
        status=Status.FAILED, error="not_ready", failed_at=NOW - timedelta(minutes=1)
    )
    assert len(detect_incidents()) == 1


def test_media_waiting_in_our_queue_opens_a_queue_incident() -> None:
    for item in receive_media(20, hours_ago=0.5, status=Status.QUEUED):
        MediaItem.objects.filter(pk=item.pk).update(first_attempt_at=None, queue_lag_s=None)
    assert detect_incidents() == [(Cause.QUEUE, "", "open")]


@pytest.mark.parametrize(("minutes", "causes"), [(1, []), (3, [Cause.QUEUE])])
def test_reconciled_media_counts_as_waiting_from_when_it_was_found(
    minutes: int, causes: list[str]
) -> None:
    waits: dict[str, Any] = {
        "first_attempt_at": None,
        "queue_lag_s": None,
        "delay_at_least_s": None,
    }
    found_at = NOW - timedelta(minutes=minutes)
    receive_media(20, hours_ago=0.5, status=Status.QUEUED, reconciled_at=found_at, **waits)
    assert [cause for cause, *_ in detect_incidents()] == causes


def test_the_queue_incident_is_resolved_when_new_media_is_fetched_promptly() -> None:
    receive_media(20, hours_ago=0.5, queue_lag_s=900.0)
    detect_incidents()
    receive_media(5, hours_ago=0.1)
    assert detect_incidents()[0][2] == "resolved"


def test_media_delayed_by_refused_credentials_opens_no_queue_incident() -> None:
    with time_machine.travel(NOW - timedelta(minutes=10), tick=False):
        Incident.open_or_update(Cause.CREDENTIALS, LARGE)
        Incident.resolve_for(Cause.CREDENTIALS, LARGE)
    receive_media(20, hours_ago=0.5, queue_lag_s=900.0)
    assert [cause for cause, *_ in detect_incidents()] == [Cause.CREDENTIALS]


def test_an_account_whose_media_was_never_found_opens_a_credentials_incident() -> None:
    receive_media(30, late=True, found_at=None, status=Status.RETRYING)
    assert detect_incidents() == [(Cause.CREDENTIALS_SUSPECTED, LARGE, "open")]


def test_a_success_resolves_the_incident_of_suspected_credentials() -> None:
    receive_media(6, late=True, found_at=None, status=Status.RETRYING)
    detect_incidents()
    receive_media(1)
    assert detect_incidents()[0][2] == "resolved"
