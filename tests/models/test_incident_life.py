"""One problem is one incident: opened once, notified once, with a history of who did what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User

from mediapipe.models import (
    Cause,
    Incident,
    IncidentState,
    IncidentStep,
    MediaItem,
    Observation,
    StepKind,
)
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

LATER = timedelta(hours=1)
MUCH_LATER = timedelta(days=2)


def observe_early_404s(measured: float = 30.0, media_ids: list[int] | None = None) -> Incident:
    """Report early 404s as detection does; return their incident."""
    media = MediaItem.objects.filter(pk__in=media_ids or [])
    observation = Observation(measured, 3.0, "Many.", media)
    incident = Incident.open_or_update(Cause.EARLY_404S, make.ACCOUNT, observation)
    assert incident is not None
    incident.refresh_from_db()
    return incident


def steps(incident: Incident) -> list[str]:
    return [step.kind for step in incident.steps.all()]


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann")


def test_an_incident_records_each_step_and_its_user_until_it_is_resolved(ann: User) -> None:
    incident = observe_early_404s()
    assert incident.acknowledge(ann)
    assert incident.report(ann, "4711")
    assert incident.resolve(ann)
    incident.refresh_from_db()
    assert (incident.state, incident.ticket) == (IncidentState.RESOLVED, "4711")
    assert incident.resolved_at is not None
    assert steps(incident) == [
        StepKind.OPENED,
        StepKind.ACKNOWLEDGED,
        StepKind.REPORTED,
        StepKind.RESOLVED,
    ]
    assert [step.by for step in incident.steps.all()] == [None, ann, ann, ann]


def test_a_problem_that_is_seen_again_is_the_same_incident() -> None:
    assert observe_early_404s() == observe_early_404s()
    assert Incident.objects.get().count == 2
    assert IncidentStep.objects.notifiable().count() == 1


def test_each_doubling_is_announced_once() -> None:
    for measured in (30, 45, 60, 61, 119, 120, 50):
        incident = observe_early_404s(measured)
    assert steps(incident) == [StepKind.OPENED, StepKind.WORSE, StepKind.WORSE]


def test_affected_media_is_added_and_never_removed() -> None:
    first, second = make.media(), make.media()
    observe_early_404s(media_ids=[first.pk])
    incident = observe_early_404s(media_ids=[first.pk, second.pk])
    assert observe_early_404s(media_ids=[second.pk]).affected == 2
    assert set(incident.media.all()) == {first, second}
    assert list(first.incidents.all()) == [incident]
    assert incident.first_seen_at == first.received_at


def test_recovery_is_announced_once() -> None:
    incident = observe_early_404s()
    Incident.resolve_for(Cause.EARLY_404S, make.ACCOUNT)
    Incident.resolve_for(Cause.EARLY_404S, make.ACCOUNT)
    incident.refresh_from_db()
    assert incident.state == IncidentState.RESOLVED
    assert steps(incident) == [StepKind.OPENED, StepKind.RECOVERED]


def test_only_one_of_two_concurrent_recoveries_is_recorded() -> None:
    incident = observe_early_404s()
    other = Incident.objects.get()
    assert (incident.resolve(), other.resolve()) == (True, False)


def test_the_same_problem_within_the_window_reopens_the_incident() -> None:
    incident = observe_early_404s()
    incident.resolve()
    with time_machine.travel(datetime.now(UTC) + LATER):
        assert observe_early_404s() == incident
    incident.refresh_from_db()
    assert (incident.state, incident.resolved_at) == (IncidentState.OPEN, None)
    assert steps(incident) == [StepKind.OPENED, StepKind.RECOVERED, StepKind.REOPENED]


def test_the_same_problem_much_later_opens_another_incident() -> None:
    incident = observe_early_404s()
    incident.resolve()
    with time_machine.travel(datetime.now(UTC) + MUCH_LATER):
        assert observe_early_404s() != incident


def test_an_ignored_incident_stays_ignored_and_silent_when_it_is_seen_again(ann: User) -> None:
    incident = observe_early_404s()
    incident.ignore(ann)
    observe_early_404s(500)
    incident.resolve()
    observe_early_404s(1000)
    incident.refresh_from_db()
    assert (incident.state, incident.resolved_at) == (IncidentState.IGNORED, None)
    assert IncidentStep.objects.notifiable().count() == 1
    assert not Incident.objects.open().exists()


def test_a_user_reopens_a_closed_incident_unless_another_is_open(ann: User) -> None:
    incident = observe_early_404s()
    incident.resolve(ann)
    assert incident.reopen(ann)
    incident.resolve(ann)
    with time_machine.travel(datetime.now(UTC) + MUCH_LATER):
        observe_early_404s()
        assert not incident.reopen(ann)


def test_an_escalation_to_a_cause_with_an_ongoing_incident_ends_the_lesser_one(ann: User) -> None:
    early = observe_early_404s()
    early.resolve()
    slow = Incident.open_or_update(Cause.SLOW_PROPAGATION, make.ACCOUNT)
    early.reopen(ann)
    assert slow is not None
    observation = Observation(30.0, 3.0, "Many.", MediaItem.objects.none())
    assert not slow.escalate_to(Cause.EARLY_404S, observation)
    assert Incident.objects.ongoing().get() == early


def test_a_resolved_incident_can_still_be_reported(ann: User) -> None:
    incident = observe_early_404s()
    incident.resolve()
    assert incident.report(ann, "4711")
    incident.refresh_from_db()
    assert (incident.state, incident.ticket) == (IncidentState.RESOLVED, "4711")


def test_a_resolved_incident_cannot_be_acknowledged_resolved_or_ignored(ann: User) -> None:
    incident = observe_early_404s()
    incident.resolve(ann)
    assert not incident.acknowledge(ann)
    assert not incident.resolve(ann)
    assert not incident.ignore(ann)


def test_incidents_of_an_account_and_of_the_whole_service_are_separate() -> None:
    observe_early_404s()
    Incident.open_or_update(Cause.EARLY_404S)
    assert Incident.objects.open().count() == 2
