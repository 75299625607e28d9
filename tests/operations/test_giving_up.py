"""Giving up ends an item as failed; it stays on record and can be retried."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from mediapipe.escalation.detection.counts import by_account, escalation_window
from mediapipe.escalation.detection.failures import detect_failures
from mediapipe.failures import LeaseLost, TransientMedia404
from mediapipe.fetching import attempt as fetching
from mediapipe.fetching import storage
from mediapipe.fetching.attempt import conclude
from mediapipe.lifecycle.export import media_document
from mediapipe.models import BulkAction, BulkBatch, BulkJob, HandOff, Incident, MediaItem, Status
from mediapipe.operations.manual_control import give_up
from mediapipe.providers.base import Evidence
from mediapipe.signals import media_failed
from mediapipe.simulator import Simulator
from mediapipe.webhooks.record import record
from tasks.bulk_jobs import run_batches
from tests.support import make
from tests.support.fetching import attempt, picture, stored_files

pytestmark = [pytest.mark.django_db, pytest.mark.database]

DETAIL = "ada: sender sent it again"


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


def give_up_item(item: MediaItem, user: User) -> list[int]:
    """Give up on the item, as the user does."""
    return give_up(MediaItem.objects.filter(pk=item.pk), user, "sender sent it again")


def state(item: MediaItem) -> tuple[str, str, str]:
    item.refresh_from_db()
    return item.status, item.error, item.detail


def waiting() -> MediaItem:
    item = make.claimed()
    conclude(item, TransientMedia404(), Evidence(http_status=404))
    return item


@pytest.mark.parametrize("unfinished", [make.media, waiting, make.claimed])
def test_giving_up_fails_an_unfinished_item_with_the_user_and_the_reason(
    ada: User, unfinished: Any
) -> None:
    item = unfinished()
    assert give_up_item(item, ada) == [item.pk]
    assert state(item) == (Status.FAILED, "given_up", DETAIL)
    assert (item.next_attempt_at, item.sweep_at, item.lease) == (None, None, "")
    assert MediaItem.claim(item.pk) is None
    assert LogEntry.objects.get().change_message == "Given up: sender sent it again"


def test_giving_up_a_second_time_changes_nothing(ada: User) -> None:
    item = make.media()
    give_up_item(item, ada)
    assert give_up_item(item, User.objects.create_user("bob")) == []
    assert state(item)[2] == DETAIL
    assert LogEntry.objects.count() == 1


def test_a_stored_item_cannot_be_given_up(ada: User) -> None:
    item = make.store(make.claimed())
    assert give_up_item(item, ada) == []
    assert state(item)[0] == Status.STORED


def test_an_item_that_was_given_up_keeps_its_attempts_and_can_be_retried(ada: User) -> None:
    item = waiting()
    give_up_item(item, ada)
    assert MediaItem.objects.filter(pk=item.pk).retry() == [item.pk]
    again = MediaItem.claim(item.pk)
    assert again
    assert [row.outcome for row in again.attempt_set.all()] == ["not_ready", ""]


def test_a_worker_discards_the_file_of_an_item_that_is_given_up_meanwhile(
    ada: User, twilio: Simulator, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = picture(twilio)
    keep = storage.keep

    def keep_and_give_up(*args: Any) -> None:
        keep(*args)
        give_up_item(item, ada)

    monkeypatch.setattr(storage, "keep", keep_and_give_up)
    with pytest.raises(LeaseLost):
        attempt(item)
    assert state(item) == (Status.FAILED, "given_up", DETAIL)
    assert item.attempt_set.get().outcome == "interrupted"
    assert stored_files(settings) == []


def test_a_worker_does_not_discard_a_file_that_a_later_retry_has_stored(
    ada: User, twilio: Simulator, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = picture(twilio)
    keep = storage.keep

    def keep_give_up_and_retry(*args: Any) -> None:
        monkeypatch.setattr(storage, "keep", keep)
        keep(*args)
        give_up_item(item, ada)
        MediaItem.objects.filter(pk=item.pk).retry()
        assert attempt(item) == "stored"

    monkeypatch.setattr(storage, "keep", keep_give_up_and_retry)
    claimed = MediaItem.claim(item.pk)
    assert claimed
    with pytest.raises(LeaseLost):
        fetching.attempt(claimed, countdown_allowed=lambda: True)
    assert state(item)[0] == Status.STORED
    assert len(stored_files(settings)) == 1


def test_a_failing_attempt_does_not_requeue_an_item_that_was_given_up(ada: User) -> None:
    claimed = make.claimed()
    give_up_item(claimed, ada)
    held = MediaItem.objects.get(pk=claimed.pk)
    with pytest.raises(LeaseLost):
        conclude(claimed, TransientMedia404(), Evidence(http_status=404))
    assert state(held)[:2] == (Status.FAILED, "given_up")


def test_giving_up_notifies_receivers_like_any_other_failure(
    ada: User, settings: Settings, django_capture_on_commit_callbacks: Any
) -> None:
    settings.HANDOFF_WEBHOOK_URL = "https://app.example/hook"
    notified: list[int] = []

    def listen(media: MediaItem, **_: object) -> None:
        notified.append(media.pk)

    item = make.media()
    media_failed.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            give_up_item(item, ada)
    finally:
        media_failed.disconnect(listen)
    assert notified == [item.pk]
    assert HandOff.objects.get().ending == "media.failed"
    item.refresh_from_db()
    assert json.loads(json.dumps(media_document(item), default=str))["error"] == "given_up"


def test_a_repeated_webhook_does_not_requeue_an_item_that_was_given_up(ada: User) -> None:
    message = make.message()
    item = make.media(message)
    give_up_item(item, ada)
    record(message, provider="twilio", received_at=make.NOON)
    assert MediaItem.objects.get().status == Status.FAILED


def test_giving_up_many_items_opens_no_incident(ada: User) -> None:
    for _ in range(100):
        make.media()
    give_up(MediaItem.objects.all(), ada, "a load test")
    period = escalation_window(MediaItem.objects.latest("failed_at").failed_at or make.NOON)
    MediaItem.objects.update(failed_at=period.since)
    detect_failures(period, by_account(period))
    assert not Incident.objects.exists()


def test_a_job_gives_up_items_in_batches_and_skips_stored_items(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediapipe.models.bulk_jobs.BATCH", 2)
    ids = [make.media().pk for _ in range(5)]
    make.store(MediaItem.claim(ids[0]) or make.claimed())
    job = BulkJob.create(
        ids, by=ada, chosen="these", action=BulkAction.GIVE_UP, reason="sender sent it again"
    )
    assert run_batches() == 4
    job.refresh_from_db()
    assert (job.done, job.changed, job.skipped, bool(job.finished_at)) == (5, 4, 1, True)
    assert not BulkBatch.objects.exists()
    assert MediaItem.objects.filter(error="given_up", detail=DETAIL).count() == 4
    message = f"Given up by job {job.pk}: sender sent it again"
    assert LogEntry.objects.filter(change_message=message).count() == 4


def test_the_page_shows_who_gave_up_and_why(ada: User, admin_client: Client) -> None:
    item = waiting()
    give_up_item(item, ada)
    html = admin_client.get(f"/admin/mediapipe/mediaitem/{item.pk}/change/").content.decode()
    assert f"given up by {DETAIL}" in html
    assert "Retry now" in html
