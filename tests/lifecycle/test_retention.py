"""Everything is deleted when its own retention ends, except unfinished work."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import repeat
from types import SimpleNamespace

import pytest
from django.core import serializers
from django.utils import timezone
from django_celery_results.models import TaskResult
from pytest_django import Settings

from mediapipe.failures import AddressRefused, TooLarge, TransientMedia404
from mediapipe.fetching.attempt import conclude
from mediapipe.lifecycle import retention
from mediapipe.models import (
    Cause,
    FetchAttempt,
    HandOff,
    Incident,
    MediaItem,
    RepeatedWebhook,
    WebhookEvent,
)
from mediapipe.providers.base import AnnouncedMedia, Evidence
from mediapipe.webhooks.record import record
from tasks.purge import purge
from tests.support import make
from tests.support.retention import KINDS, OLD, age, counts, files, purge_output, stored

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def thirty_days(settings: Settings) -> None:
    for kind in KINDS:
        setattr(settings, f"RETENTION_{kind}_DAYS", 30)


def test_old_data_is_deleted_and_its_row_records_the_purge(settings: Settings) -> None:
    item = stored()
    age()
    assert purge() == counts(payloads=1, attempts=1, files=1)
    item.refresh_from_db()
    assert (item.status, item.size, item.attempts, item.storage_name) == ("stored", 3, 1, "")
    assert item.purged_at
    event = item.event
    assert (event.parameters, event.sender, event.recipient) == ([], "", "")
    assert event.purged_at
    assert files(settings) == []


def test_a_second_run_finds_nothing_left() -> None:
    stored()
    age()
    purge()
    assert purge() == counts()


def test_recent_data_is_kept(settings: Settings) -> None:
    item = stored()
    age(timedelta(days=29))
    assert purge() == counts()
    item.refresh_from_db()
    assert item.purged_at is None
    assert item.event.parameters
    assert len(files(settings)) == item.attempt_set.count() == 1


def test_each_kind_of_data_has_its_own_retention(settings: Settings) -> None:
    settings.RETENTION_FILES_DAYS = 50
    settings.RETENTION_ATTEMPTS_DAYS = 0
    stored()
    age()
    assert purge() == counts(payloads=1)


def test_zero_days_keep_everything(settings: Settings) -> None:
    for kind in KINDS:
        setattr(settings, f"RETENTION_{kind}_DAYS", 0)
    stored()
    age(timedelta(days=36_000))
    assert purge() == counts()


def test_no_data_of_an_unfinished_item_is_deleted() -> None:
    conclude(make.claimed(), TransientMedia404(), Evidence(http_status=404))
    make.claimed()
    make.media()
    age()
    assert purge() == counts()


def test_a_payload_is_kept_while_a_media_item_of_its_event_is_unfinished() -> None:
    event = make.event(make.message(2))
    first, second = event.media.all()
    for pk in (first.pk, second.pk):
        claimed = MediaItem.claim(pk)
        assert claimed
        claimed.mark_failed(TooLarge(), Evidence(http_status=200))
    second.__class__.objects.filter(pk=second.pk).retry()
    age()
    assert purge() == counts(attempts=1)


def test_a_failed_item_can_be_retried_after_its_attempts_were_purged() -> None:
    item = make.claimed()
    item.mark_failed(TooLarge(), Evidence(http_status=200))
    age()
    assert purge() == counts(payloads=1, attempts=1)
    assert MediaItem.objects.all().retry() == [item.pk]
    again = MediaItem.claim(item.pk)
    assert again
    assert again.attempt.number == 2


def test_an_open_incident_keeps_the_attempts_that_are_its_evidence() -> None:
    incident = Incident.open_or_update(Cause.EARLY_404S)
    assert incident
    incident.add_media(MediaItem.objects.filter(pk=stored().pk))
    age()
    assert purge() == counts(payloads=1, files=1)


@pytest.mark.parametrize(("days", "attempts"), [(29, 0), (31, 1)])
def test_attempts_are_kept_for_their_full_retention_after_the_incident_ends(
    days: int, attempts: int
) -> None:
    incident = Incident.open_or_update(Cause.EARLY_404S)
    assert incident
    incident.add_media(MediaItem.objects.filter(pk=stored().pk))
    Incident.resolve_for(Cause.EARLY_404S)
    Incident.objects.update(resolved_at=timezone.now() - timedelta(days=days))
    age()
    assert purge()["attempts"] == attempts


def test_repeats_are_purged_with_the_event_and_later_ones_are_not_stored() -> None:
    announced = make.recording(sender="+15550000002")
    event = make.event(announced)
    again = make.recording(subject_sid=announced.subject_sid, parameters=(("Other", "1"),))
    make.event(again)
    event.media.update(status="failed")
    age()
    assert purge() == counts(payloads=1)
    assert RepeatedWebhook.objects.get().parameters == []
    late = make.recording(
        subject_sid=announced.subject_sid, sender="+15550000002", parameters=(("Other", "2"),)
    )
    record(late, provider="twilio", received_at=timezone.now())
    event.refresh_from_db()
    assert (event.repeats, event.sender, event.repeated.count()) == (2, "", 1)


def test_a_repeat_does_not_postpone_the_purge_of_its_event() -> None:
    event = make.event()
    event.media.update(status="failed")
    age()
    event.__class__.objects.update(last_repeat_at=timezone.now())
    assert purge() == counts(payloads=1)


def test_sender_data_of_refused_media_is_purged_with_the_payload() -> None:
    urls = [f"https://evil.example/?n={number}" for number in (1, 2)]
    media = tuple(
        AnnouncedMedia(f"refused-{url}", url, "", "image/zelda", failure=AddressRefused(url))
        for url in urls
    )
    message = make.message(media=(*make.message().media, *media))
    for parameters in (message.parameters, (("X", "1"),), (("X", "2"),)):
        event = make.event(replace(message, parameters=parameters))
    event.media.update(status="failed")
    age()
    digests = {event.digest, *event.repeated.values_list("digest", flat=True)}
    assert purge() == counts(payloads=1)
    left = serializers.serialize("json", [*WebhookEvent.objects.all(), *event.media.all()])
    left += serializers.serialize("json", event.repeated.all())
    assert not [word for word in ("evil", "zelda", *filter(None, digests)) if word in left]
    assert event.media.exclude(media_url="").get().declared_content_type == "image/jpeg"


def test_a_repeat_adds_no_refused_media_to_a_purged_event() -> None:
    message = make.message()
    event = make.event(message)
    event.media.update(status="failed")
    age()
    purge()
    bad = AnnouncedMedia("refused-1", "file:///x", failure=AddressRefused("file:"))
    make.event(replace(message, media=(*message.media, bad)))
    assert event.media.count() == 1


def test_task_results_are_purged_by_their_age_alone() -> None:
    for task_id in ("old", "young"):
        TaskResult.objects.create(task_id=task_id, status="SUCCESS")
    TaskResult.objects.filter(task_id="old").update(date_done=timezone.now() - OLD)
    assert purge() == counts(results=1)
    assert TaskResult.objects.get().task_id == "young"


def test_more_items_than_one_batch_are_all_purged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        stored()
    age()
    assert purge() == counts(payloads=5, attempts=5, files=5)


@pytest.fixture
def many_payloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a thousand batches of payloads to delete, and one of files."""
    much = SimpleNamespace(name="payloads", purge=lambda now: repeat(1, 1000))
    little = SimpleNamespace(name="files", purge=lambda now: iter([1]))
    monkeypatch.setattr(retention, "retention_rules", lambda: [much, little])


def test_a_kind_with_many_rows_does_not_delay_the_others(many_payloads: None) -> None:
    turns = retention.purge_in_turns(timezone.now())
    assert [next(turns), next(turns)] == [{"payloads": 1, "files": 1}, {"payloads": 1, "files": 0}]


def test_a_run_that_is_out_of_time_stops_after_one_round(
    many_payloads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.purge.RUN_S", -1.0)
    assert purge() == {"payloads": 1, "files": 1}


def test_hand_offs_are_purged_only_after_their_delivery(settings: Settings) -> None:
    item = stored()
    now = timezone.now()
    for days in (29, 31):
        delivered_at = now - timedelta(days=days)
        HandOff.objects.create(media=item, status="delivered", delivered_at=delivered_at)
    HandOff.objects.create(media=item)
    assert purge() == counts(hand_offs=1)


def test_the_command_prints_how_many_of_each_kind_it_deleted(settings: Settings) -> None:
    settings.RETENTION_RESULTS_DAYS = 0
    stored()
    age()
    assert purge_output() == [
        "payloads: 1 deleted (older than 30 days)",
        "attempts: 1 deleted (older than 30 days)",
        "files: 1 deleted (older than 30 days)",
        "hand_offs: 0 deleted (kept forever)",
        "gateway_requests: 0 deleted (older than 7 days)",
        "gateway_deliveries: 0 deleted (kept forever)",
        "results: 0 deleted (kept forever)",
    ]


def test_a_dry_run_counts_what_would_be_deleted_and_deletes_nothing(settings: Settings) -> None:
    stored()
    age()
    assert purge_output("--dry-run")[2] == "files: 1 would be deleted (older than 30 days)"
    assert len(files(settings)) == FetchAttempt.objects.count() == 1
    assert not MediaItem.objects.exclude(purged_at=None).exists()
