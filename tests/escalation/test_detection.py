"""Detection: one incident per problem, opened once and resolved in time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from mediapipe.escalation import detection
from mediapipe.models import Cause, Incident, IncidentStep, MediaItem, Status
from tasks.check_escalation import check_escalation
from tests.support.detection import LARGE, NOW, SMALL, detect_incidents, receive_media

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def sent_kinds() -> list[str]:
    return list(IncidentStep.objects.notifiable().values_list("kind", flat=True))


def test_24_late_media_within_a_day_open_an_incident_for_their_account() -> None:
    receive_media(100)
    late = receive_media(24, late=True)
    receive_media(10, SMALL)
    assert detect_incidents() == [(Cause.EARLY_404S, LARGE, "open")]
    incident = Incident.objects.get()
    assert set(incident.media.all()) == set(late)
    assert incident.first_seen_at == late[0].received_at


def test_23_late_media_open_no_incident() -> None:
    receive_media(100)
    receive_media(23, late=True)
    assert detect_incidents() == []


def test_the_threshold_and_the_window_can_be_set(settings: Settings) -> None:
    receive_media(100)
    receive_media(10, late=True, hours_ago=3)
    settings.ESCALATION_THRESHOLD = 10
    settings.ESCALATION_WINDOW_S = 7200.0
    assert detect_incidents() == []
    settings.ESCALATION_WINDOW_S = 14_400.0
    assert len(detect_incidents()) == 1


def quiet_days(count: int, *, late: int) -> None:
    for day in range(1, 9):
        receive_media(count, hours_ago=24 * day + 1)
        receive_media(late, hours_ago=24 * day + 2, late=True)


def test_ten_times_the_baseline_opens_an_incident_below_the_threshold() -> None:
    quiet_days(50, late=1)
    receive_media(50)
    receive_media(15, late=True)
    assert detect_incidents() == [(Cause.EARLY_404S, LARGE, "open")]
    assert Incident.objects.get().usual == 1.0


def test_ten_times_the_baseline_with_ten_times_the_traffic_opens_no_incident() -> None:
    quiet_days(50, late=1)
    receive_media(500)
    receive_media(15, late=True)
    assert detect_incidents() == []


def test_a_new_account_without_a_baseline_opens_no_incident() -> None:
    receive_media(50)
    receive_media(15, late=True)
    assert detect_incidents() == []


def test_404s_with_another_known_cause_do_not_count() -> None:
    receive_media(100)
    receive_media(30, late=True, found_at=None, not_found_because="deleted", status=Status.FAILED)
    assert detect_incidents() == []


def test_a_repeated_check_changes_nothing_and_sends_no_notification() -> None:
    receive_media(100)
    receive_media(24, late=True)
    first = detect_incidents()
    assert detect_incidents() == first
    assert sent_kinds() == ["opened"]


@pytest.mark.django_db(transaction=True)
def test_two_concurrent_checks_open_only_one_incident() -> None:
    receive_media(100)
    receive_media(24, late=True)
    together = threading.Barrier(2)

    def check() -> None:
        together.wait()
        try:
            detection.run_detectors(NOW)
        finally:
            connection.close()

    both = [threading.Thread(target=check) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert Incident.objects.get().affected == 24
    assert sent_kinds() == ["opened"]


def test_new_late_media_is_added_to_an_open_incident() -> None:
    receive_media(100)
    receive_media(24, late=True, hours_ago=2)
    detect_incidents()
    receive_media(5, late=True)
    detect_incidents()
    assert Incident.objects.get().affected == 29


def test_late_media_of_many_accounts_opens_one_incident_for_the_whole_service() -> None:
    for number in range(5):
        receive_media(20, f"AC{number:032x}")
        receive_media(6, f"AC{number:032x}", late=True)
    assert detect_incidents() == [(Cause.EARLY_404S, "", "open")]
    assert Incident.objects.get().affected == 30


def test_an_incident_of_the_whole_service_prevents_incidents_of_accounts() -> None:
    for number in range(5):
        receive_media(20, f"AC{number:032x}")
        receive_media(30, f"AC{number:032x}", late=True)
    assert detect_incidents() == detect_incidents() == [(Cause.EARLY_404S, "", "open")]


def test_an_incident_is_resolved_when_its_window_is_empty() -> None:
    receive_media(100)
    receive_media(24, late=True)
    detect_incidents()
    assert detect_incidents(NOW + timedelta(days=1))[0][2] == "resolved"
    assert sent_kinds() == ["opened", "recovered"]


def test_an_incident_is_resolved_early_once_new_media_is_no_longer_late() -> None:
    receive_media(100, hours_ago=8)
    receive_media(60, hours_ago=8, late=True)
    detect_incidents()
    receive_media(80)
    assert detect_incidents()[0][2] == "resolved"


def test_an_incident_stays_open_while_there_is_little_traffic() -> None:
    receive_media(100, hours_ago=8)
    receive_media(60, hours_ago=8, late=True)
    detect_incidents()
    receive_media(5)
    assert detect_incidents()[0][2] == "open"


def test_media_of_a_resolved_incident_does_not_reopen_it() -> None:
    receive_media(100)
    receive_media(24, late=True)
    detect_incidents()
    with time_machine.travel(NOW + timedelta(minutes=1)):
        Incident.objects.get().resolve()
    assert detect_incidents(NOW + timedelta(minutes=2))[0][2] == "resolved"


def test_late_media_after_the_end_reopens_the_same_incident() -> None:
    receive_media(100, hours_ago=5)
    receive_media(24, hours_ago=5, late=True)
    with time_machine.travel(NOW - timedelta(hours=4), tick=False):
        detection.run_detectors(NOW - timedelta(hours=4))
        Incident.objects.get().resolve()
    receive_media(24, late=True)
    assert detect_incidents() == [(Cause.EARLY_404S, LARGE, "open")]
    assert sent_kinds() == ["opened", "recovered", "reopened"]


def test_a_growing_delay_opens_an_incident_although_few_media_are_late() -> None:
    quiet_days(150, late=3)
    receive_media(150)
    receive_media(20, late=True, delay_at_least_s=40.0)
    assert detect_incidents() == [(Cause.SLOW_PROPAGATION, LARGE, "open")]


def test_a_slow_propagation_incident_worsens_into_one_of_early_404s() -> None:
    quiet_days(150, late=3)
    receive_media(150)
    receive_media(20, late=True, delay_at_least_s=40.0)
    detect_incidents()
    receive_media(10, late=True)
    assert detect_incidents() == detect_incidents() == [(Cause.EARLY_404S, LARGE, "open")]
    assert sent_kinds() == ["opened", "worse"]


def test_a_check_without_findings_takes_few_queries_regardless_of_volume() -> None:
    receive_media(20)
    with CaptureQueriesContext(
        connection,
    ) as few:
        detection.run_detectors(NOW)
    receive_media(200, SMALL)
    with CaptureQueriesContext(connection) as many:
        detection.run_detectors(NOW)
    assert len(many) == len(few) < 15


def test_the_task_opens_an_incident_for_media_received_just_now() -> None:
    for item in receive_media(24, late=True):
        MediaItem.objects.filter(pk=item.pk).update(received_at=datetime.now(UTC))
    check_escalation()
    # No process of the service runs here, which may open another incident.
    assert Incident.objects.get(cause=Cause.EARLY_404S).account_sid == LARGE
