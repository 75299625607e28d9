"""A made-up history has rows for every page of the admin, not only media."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db.models import F

from mediapipe.models import (
    AccountHealth,
    ApiToken,
    BulkAction,
    BulkJob,
    Cause,
    Deletion,
    GatewayDelivery,
    GatewayStatus,
    HandOff,
    Incident,
    IncidentMedia,
    MediaItem,
    Notice,
    Reconciliation,
    Rejection,
    WebhookEvent,
    WebhookRoute,
)
from mediapipe.models.gateway_status import UNDELIVERED
from mediapipe.models.outbox import DeliveryStatus

pytestmark = [pytest.mark.django_db, pytest.mark.database]

UNTIL = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def history() -> None:
    seed()


def seed(**options: Any) -> None:
    call_command(
        "seed_history",
        media=600,
        days=5,
        until=UNTIL,
        **options,
        stdout=StringIO(),
        stderr=StringIO(),
    )


def test_incidents_are_open_and_resolved_and_have_affected_media() -> None:
    assert Incident.objects.open().count() >= 3
    assert Incident.objects.exclude(resolved_at=None).count() >= 3
    for incident in Incident.objects.all():
        assert incident.affected == incident.media.count()
    causes = IncidentMedia.objects.values_list("incident__cause", flat=True)
    assert {Cause.EARLY_404S, Cause.QUEUE} <= set(causes)


def test_every_incident_has_steps_in_order_and_some_have_notes() -> None:
    for incident in Incident.objects.prefetch_related("steps"):
        times = [step.at for step in incident.steps.all()]
        assert times == sorted(times)
        assert times[0] == incident.opened_at
        assert (incident.resolved_at or UNTIL) >= times[-1]
    noted = Incident.objects.filter(steps__kind="noted", steps__by__isnull=False)
    assert noted.exists()


def test_the_audit_trail_records_the_actions_of_the_user() -> None:
    entries = LogEntry.objects.order_by("pk")
    assert {entry.content_type.model for entry in entries if entry.content_type} == {
        "incident",
        "mediaitem",
    }
    given_up = BulkJob.objects.get(action=BulkAction.GIVE_UP)
    by_job = entries.filter(change_message__startswith=f"Given up by job {given_up.pk}: ")
    assert by_job.count() == given_up.changed
    times = [entry.action_time for entry in entries]
    assert times == sorted(times)
    assert times[-1] < UNTIL


def test_the_refused_account_is_paused_and_its_items_wait() -> None:
    paused = AccountHealth.objects.exclude(paused_at=None).get()
    waiting = MediaItem.objects.filter(error="account_refused")
    assert {item.account_sid for item in waiting} <= {paused.account_sid}
    assert Incident.objects.filter(
        cause=Cause.CREDENTIALS, account_sid=paused.account_sid, resolved_at=None
    ).exists()


@pytest.mark.parametrize("model", [HandOff, Deletion, Notice])
def test_some_messages_are_delivered_and_some_are_not(model: Any) -> None:
    statuses = set(model.objects.values_list("status", flat=True))
    assert DeliveryStatus.DELIVERED in statuses
    # The other statuses are too rare to expect each of them.
    assert len(statuses) > 1
    assert not model.objects.exclude(attempts__gt=0).exists()
    for message in model.objects.all():
        assert len(message.delivery_log) == message.attempts
        assert all(each.at < UNTIL for each in message.delivery_log)
    assert not model.objects.pending().filter(next_attempt_at__lt=UNTIL).exists()


def test_an_app_has_delivered_refused_and_given_up_deliveries() -> None:
    statuses = set(GatewayDelivery.objects.values_list("status", flat=True))
    assert {GatewayStatus.DELIVERED, GatewayStatus.REFUSED, GatewayStatus.GAVE_UP} <= statuses
    undelivered = GatewayDelivery.objects.filter(status__in=UNDELIVERED)
    assert undelivered.count() == undelivered.resendable().count()
    assert undelivered.select_related("event")[0].unseal()["method"] == "POST"


def test_bulk_jobs_list_the_items_that_they_changed() -> None:
    for job in BulkJob.objects.all():
        assert job.media.count() == job.changed > 0
        assert job.finished_at
    given_up = BulkJob.objects.get(action=BulkAction.GIVE_UP)
    assert {item.error for item in given_up.media.all()} == {"given_up"}


def test_the_history_has_tokens_reconciliations_and_rejections() -> None:
    assert ApiToken.objects.valid().exists()
    assert ApiToken.objects.exclude(revoked_at=None).exists()
    assert Reconciliation.objects.filter(taken_in__gt=0, finished_at__isnull=False).exists()
    assert Reconciliation.objects.unfinished().exclude(error="").exists()
    assert Rejection.objects.filter(count__gt=0, last_at__gte=F("hour")).exists()


def test_one_number_has_been_pointed_elsewhere() -> None:
    lost = WebhookRoute.objects.lost().get()
    assert lost.outcome == "sends elsewhere: old.example.com"
    assert {route.points_here for route in WebhookRoute.objects.all()} == {True, False}


def test_a_history_added_to_another_one_adds_media_only() -> None:
    tokens, media = ApiToken.objects.count(), MediaItem.objects.count()
    seed(seed=8, add=True)
    assert (ApiToken.objects.count(), MediaItem.objects.count()) == (tokens, 2 * media)


def test_hourly_counts_are_marked_for_recounting_when_media_is_added() -> None:
    model = apps.get_model("mediapipe", "HourlyCounts")
    model.objects.create(start=UNTIL, counted_at=UNTIL)
    seed(seed=8, add=True)
    assert not model.objects.exclude(counted_at=None).exists()


def test_a_second_history_is_refused_before_anything_is_written() -> None:
    with pytest.raises(CommandError, match="already has media items"):
        seed()
    assert WebhookEvent.objects.exclude(received_at__lt=UNTIL).count() == 0
