"""Incidents that are not Twilio's propagation: failures, our queue, credentials."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from mediapipe.failures import MediaDeleted, TooLarge
from mediapipe.models import Cause, Incident, MediaItem, Status
from tests.support.detection import LARGE, NOW, came, checked

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_permanent_failures_are_an_incident_with_their_reasons() -> None:
    came(24, status=Status.FAILED, error=TooLarge.slug, failed_at=NOW - timedelta(hours=1))
    assert checked() == [(Cause.FAILURES, LARGE, "open")]
    assert "too_large 24" in Incident.objects.get().detail


def test_what_people_deleted_is_no_failure_of_ours() -> None:
    came(40, status=Status.FAILED, error=MediaDeleted.slug, failed_at=NOW - timedelta(hours=1))
    assert checked() == []


def test_failures_that_an_incident_explains_are_no_second_one() -> None:
    came(100)
    late = came(30, late=True)
    checked()
    MediaItem.objects.filter(pk__in=[item.pk for item in late]).update(
        status=Status.FAILED, error="not_ready", failed_at=NOW - timedelta(minutes=1)
    )
    assert len(checked()) == 1


def test_media_that_waits_for_us_is_an_incident_of_our_queue() -> None:
    for item in came(20, hours_ago=0.5, status=Status.QUEUED):
        MediaItem.objects.filter(pk=item.pk).update(first_attempt_at=None, queue_lag_s=None)
    assert checked() == [(Cause.QUEUE, "", "open")]


@pytest.mark.parametrize(("minutes", "causes"), [(1, []), (3, [Cause.QUEUE])])
def test_what_was_found_later_waits_for_us_since_it_was_found(
    minutes: int, causes: list[str]
) -> None:
    waits: dict[str, Any] = {
        "first_attempt_at": None,
        "queue_lag_s": None,
        "delay_at_least_s": None,
    }
    found_at = NOW - timedelta(minutes=minutes)
    came(20, hours_ago=0.5, status=Status.QUEUED, reconciled_at=found_at, **waits)
    assert [cause for cause, *_ in checked()] == causes


def test_the_queue_has_recovered_when_new_media_is_fetched_promptly() -> None:
    came(20, hours_ago=0.5, queue_lag_s=900.0)
    checked()
    came(5, hours_ago=0.1)
    assert checked()[0][2] == "resolved"


def test_media_that_waited_for_refused_credentials_is_no_incident_of_the_queue() -> None:
    with time_machine.travel(NOW - timedelta(minutes=10), tick=False):
        Incident.open_or_update(Cause.CREDENTIALS, LARGE)
        Incident.resolve_for(Cause.CREDENTIALS, LARGE)
    came(20, hours_ago=0.5, queue_lag_s=900.0)
    assert [cause for cause, *_ in checked()] == [Cause.CREDENTIALS]


def test_an_account_that_never_found_anything_has_suspicious_credentials() -> None:
    came(30, late=True, found_at=None, status=Status.RETRYING)
    assert checked() == [(Cause.CREDENTIALS_SUSPECTED, LARGE, "open")]


def test_a_success_ends_the_suspicion() -> None:
    came(6, late=True, found_at=None, status=Status.RETRYING)
    checked()
    came(1)
    assert checked()[0][2] == "resolved"
