"""The task that fetches a media item, run by a real worker in a thread of this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from celery.exceptions import Retry
from celery.signals import task_retry
from django.db import IntegrityError, connections
from django.db.backends.signals import connection_created
from django.utils import timezone
from django_celery_results.models import TaskResult
from pytest_django import DjangoDbBlocker, Settings

from mediapipe.celery import app
from mediapipe.models import AccountHealth, MediaItem, Status
from mediapipe.queueing.broker import bounded_connection, waiting_messages
from mediapipe.queueing.dispatch import dispatch
from mediapipe.settings.queues import QUEUES
from mediapipe.simulator import Simulator, faults
from tasks.fetch_media import fetch_media
from tests.support import make
from tests.support.fetching import picture
from tests.support.workers import worker_in_a_thread

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def only_worker(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), worker_in_a_thread(QUEUES):
        yield


@pytest.fixture
def worker(only_worker: None, settings: Settings) -> None:
    """Give the worker a retry schedule short enough for tests."""
    settings.RETRY_FIRST_DELAY_S = 0.05
    settings.RETRY_MAX_DELAY_S = 0.1


@pytest.fixture
def waiting() -> Iterator[list[TaskResult]]:
    """Collect the result of each task as it is recorded when the task begins to wait."""
    found: list[TaskResult] = []

    def note(request: Any, **kwargs: object) -> None:
        found.append(TaskResult.objects.get(task_id=request.id))

    task_retry.connect(note)
    yield found
    task_retry.disconnect(note)


def outcome_of(item: MediaItem) -> TaskResult:
    """Dispatch the item's task and return its final result."""
    return ended(fetch_media.delay(media_id=item.pk).id)


def ended(task_id: str) -> TaskResult:
    """Return the task's result once it is final."""
    results = TaskResult.objects.filter(task_id=task_id)
    deadline = time.monotonic() + 30
    while (result := results.first()) is None or result.status in {"STARTED", "RETRY"}:
        assert time.monotonic() < deadline, f"the task is still {result}"
        time.sleep(0.05)
    return result


def test_a_task_is_retried_more_often_than_celerys_default_of_three_times(
    worker: None, twilio: Simulator
) -> None:
    item = picture(twilio, faults=[faults.Status(404)] * 6)
    result = outcome_of(item)
    assert (result.status, result.result) == ("SUCCESS", '"stored"')
    item.refresh_from_db()
    assert (item.attempts, item.not_found_count) == (7, 6)
    assert set(item.attempt_set.values_list("task_id", flat=True)) == {result.task_id}


def test_a_waiting_task_is_recorded_as_a_retry(
    worker: None, twilio: Simulator, waiting: list[TaskResult]
) -> None:
    assert outcome_of(picture(twilio, faults=[faults.Status(404)])).status == "SUCCESS"
    (result,) = waiting
    assert result.status == "RETRY"
    assert "TransientMedia404" in str(result.result)


def test_a_final_failure_fails_the_task_and_names_the_reason(
    worker: None, twilio: Simulator
) -> None:
    result = outcome_of(picture(twilio, faults=[faults.Status(401)]))
    assert result.status == "FAILURE"
    assert "Unauthorized" in str(result.result)
    assert make.TOKEN not in f"{result.result}{result.traceback}"


def test_the_end_of_the_retry_schedule_fails_the_task(
    worker: None, twilio: Simulator, settings: Settings
) -> None:
    settings.RETRY_FAST_WINDOW_S = 0.2
    settings.RETRY_SLOW_SCHEDULE_S = ()
    item = picture(twilio, faults=[faults.Status(404, forever=True)])
    assert outcome_of(item).status == "FAILURE"
    item.refresh_from_db()
    assert (item.status, item.error) == (Status.FAILED, "not_ready")


def test_the_slow_phase_ends_the_task_and_leaves_the_item_to_the_dispatcher(
    worker: None, twilio: Simulator, settings: Settings
) -> None:
    settings.RETRY_FAST_WINDOW_S = 0.0
    item = picture(twilio, faults=[faults.Status(404)])
    assert outcome_of(item).result == '"retrying: not_ready"'
    item.refresh_from_db()
    assert item.sweep_at == item.next_attempt_at


def test_a_retry_beyond_the_countdown_limit_is_left_to_the_dispatcher(
    worker: None, twilio: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediapipe.queueing.limits.MAX_COUNTDOWNS", 0)
    item = picture(twilio, faults=[faults.Status(404)])
    assert outcome_of(item).result == '"retrying: not_ready"'
    item.refresh_from_db()
    assert (item.phase, item.sweep_at) == ("fast", item.next_attempt_at)


@pytest.mark.parametrize("code", [429, 404])
def test_a_retry_is_published_even_if_the_bookkeeping_fails(
    worker: None, twilio: Simulator, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def fail(*args: Any) -> None:
        raise IntegrityError("duplicate key value violates unique constraint")

    AccountHealth.objects.create(account_sid=make.ACCOUNT, refusals=1)
    monkeypatch.setattr(AccountHealth, "record_rate_limit", fail)
    monkeypatch.setattr(AccountHealth, "record_response", fail)
    item = picture(twilio, faults=[faults.Status(code)])
    assert outcome_of(item).result == '"stored"'
    item.refresh_from_db()
    assert item.attempts == 2


def test_a_duplicate_message_is_not_due_and_fetches_nothing(
    worker: None, twilio: Simulator
) -> None:
    item = picture(twilio)
    outcome_of(item)
    assert outcome_of(item).result == '"not due"'
    assert len(twilio.log.of(item.identity, "cdn")) == 1


def test_a_message_of_the_previous_version_still_runs(worker: None, twilio: Simulator) -> None:
    # A web process of the version that is being replaced publishes such a message.
    arguments = {"media_id": picture(twilio).pk}
    result = ended(app.send_task("tasks.fetch_media.fetch_media", kwargs=arguments).id)
    assert (result.status, result.result) == ("SUCCESS", '"stored"')


def test_a_redelivered_message_takes_over_the_item_of_its_task(
    twilio: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediapipe.models.media.item.TAKEOVER_AFTER", timedelta())
    item = picture(twilio)
    assert MediaItem.claim(item.pk, task_id="task")
    fetch_media.push_request(id="task", delivery_info={"redelivered": True})
    try:
        assert fetch_media.run(media_id=item.pk) == "stored"
    finally:
        fetch_media.pop_request()


def test_a_message_redelivered_too_soon_is_retried_when_the_lease_ends(
    worker: None, twilio: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediapipe.models.media.item.TAKEOVER_AFTER", timedelta(seconds=1))
    item = picture(twilio)
    assert MediaItem.claim(item.pk, task_id="task")
    fetch_media.push_request(
        id="task",
        kwargs={"media_id": item.pk},
        delivery_info={"redelivered": True},
        called_directly=False,
    )
    try:
        with pytest.raises(Retry):
            fetch_media.run(media_id=item.pk)
    finally:
        fetch_media.pop_request()
    assert ended("task").result == '"stored"'


@pytest.mark.database
def test_a_task_reuses_the_database_connection_of_the_previous_task(
    worker: None, twilio: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 60)
    outcome_of(picture(twilio))
    with mock.patch.object(connection_created, "send") as made:
        outcome_of(picture(twilio))
    assert not made.called


def test_a_call_with_a_positional_argument_fails_in_the_caller() -> None:
    with pytest.raises(TypeError):
        fetch_media.delay(5)


def test_the_broker_reports_how_many_messages_wait_in_a_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "memory://")
    assert waiting_messages("no-consumer") == 0
    for media_id in range(3):
        fetch_media.apply_async(kwargs={"media_id": media_id}, queue="no-consumer")
    assert waiting_messages("no-consumer") == 3


def test_a_task_is_held_back_until_its_item_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "memory://")
    due = timezone.now() + timedelta(seconds=9)
    assert dispatch([1, 2], "held-back", {1: due})
    with bounded_connection() as connection, connection.SimpleQueue("held-back") as queue:
        later, at_once = queue.get(block=False), queue.get(block=False)
    assert abs(datetime.fromisoformat(later.headers["eta"]) - due) < timedelta(seconds=1)
    assert at_once.headers["eta"] is None


def test_every_periodic_task_exists() -> None:
    # A worker does this when it starts.
    app.loader.import_default_modules()
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
