"""Retrying failed media in the admin: one, the ticked ones, or all that match the filters."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mediapipe.failures import Failure, FinalFailure, TooLarge, TransientMedia404, Unauthorized
from mediapipe.fetching.attempt import conclude
from mediapipe.models import BulkBatch, BulkJob, MediaItem, Status
from mediapipe.models import bulk_jobs as batches
from mediapipe.operations import roles
from mediapipe.providers.base import Evidence
from tasks.bulk_jobs import run_batches, run_next_batch
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("noon")]

CHANGELIST = reverse("admin:mediapipe_mediaitem_changelist")
RETRY_ALL = reverse("admin:mediapipe_mediaitem_retry_all")
YES: dict[str, Any] = {"confirmed": "yes", "include": [failure.slug for failure in Failure.all()]}


@pytest.fixture(autouse=True)
def dispatched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect the ids that are published."""
    ids: list[int] = []
    monkeypatch.setattr("mediapipe.admin.retries.dispatch", ids.extend)
    monkeypatch.setattr("tasks.bulk_jobs.dispatch", lambda new, queue: ids.extend(new))
    monkeypatch.setattr("tasks.bulk_jobs.queue_capacity", lambda queue: 1000)
    return ids


def failed(failure: FinalFailure | None = None) -> MediaItem:
    item = make.claimed()
    item.mark_failed(failure or Unauthorized(), Evidence())
    return item


def waiting() -> MediaItem:
    """Return an item whose next attempt is due in an hour."""
    item = make.claimed()
    conclude(item, TransientMedia404(), Evidence(http_status=404))
    MediaItem.objects.filter(pk=item.pk).update(next_attempt_at=timezone.now() + timedelta(hours=1))
    return item


def status_of(item: MediaItem) -> str:
    item.refresh_from_db()
    return item.status


def retry_selected(client: Client, *items: MediaItem, **fields: Any) -> Any:
    """Run the list's action on these items."""
    ticked = {"action": "try_again", "_selected_action": [item.pk for item in items]}
    return client.post(CHANGELIST, ticked | fields, follow=True)


def retry_one(client: Client, item: MediaItem) -> Any:
    url = reverse("admin:mediapipe_mediaitem_retry", args=[item.pk])
    return client.post(url, follow=True)


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_one_item_is_retried_at_once(admin_client: Client, dispatched: list[int]) -> None:
    item = failed()
    assert "The item is being retried" in text_of(retry_one(admin_client, item))
    assert (status_of(item), dispatched) == (Status.QUEUED, [item.pk])
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.change_message) == (str(item.pk), "Retried.")


def test_a_waiting_item_is_retried_at_once(admin_client: Client, dispatched: list[int]) -> None:
    item = waiting()
    retry_one(admin_client, item)
    item.refresh_from_db()
    assert item.is_claimable(timezone.now())
    assert dispatched == [item.pk]


def test_a_stored_item_is_not_retried(admin_client: Client, dispatched: list[int]) -> None:
    item = failed()
    MediaItem.objects.update(status=Status.STORED)
    assert "Nothing was changed" in text_of(retry_one(admin_client, item))
    assert (status_of(item), dispatched) == (Status.STORED, [])
    assert not LogEntry.objects.exists()


def test_a_get_request_retries_nothing(admin_client: Client) -> None:
    item = failed()
    url = reverse("admin:mediapipe_mediaitem_retry", args=[item.pk])
    admin_client.get(url)
    assert status_of(item) == Status.FAILED


def test_the_action_first_shows_how_many_items_of_each_reason_it_will_retry(
    admin_client: Client,
) -> None:
    items = failed(), failed(), waiting(), make.media()
    page = text_of(retry_selected(admin_client, *items))
    assert re.findall(r'value="(\w+)" checked>.*?number">(\d+)<', page, re.DOTALL) == [
        ("unauthorized", "2"),
        ("not_ready", "1"),
    ]
    assert "1 item will be skipped" in page
    assert {status_of(item) for item in items[:2]} == {Status.FAILED}


def test_the_confirmed_action_retries_only_the_selected_items(
    admin_client: Client, dispatched: list[int]
) -> None:
    item, other = failed(), failed()
    page = text_of(retry_selected(admin_client, item, **YES))
    assert "Done: 1 item retried." in page
    assert (status_of(item), status_of(other)) == (Status.QUEUED, Status.FAILED)
    assert dispatched == [item.pk]


def test_all_items_that_match_the_filter_are_retried_and_no_others(admin_client: Client) -> None:
    large, refused = failed(TooLarge()), failed(Unauthorized())
    url = f"{RETRY_ALL}?error__exact=too_large"
    assert "Chosen: <strong>reason too_large" in text_of(admin_client.get(url))
    assert status_of(large) == Status.FAILED
    admin_client.post(url, YES)
    assert (status_of(large), status_of(refused)) == (Status.QUEUED, Status.FAILED)


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("query", "label"),
    [
        (f"account_sid__exact={make.ACCOUNT}", "account Berlin"),
        ("period=7d", "received in the last 7 days"),
        ("period=today", "received today"),
        ("since=2026-03-01T12:00:00%2B00:00", "received since 2026-03-01 12:00:00 UTC"),
    ],
)
def test_the_confirmation_names_the_filters_as_the_pages_do(
    admin_client: Client, query: str, label: str
) -> None:
    failed()
    page = text_of(admin_client.get(f"{RETRY_ALL}?status__exact=failed&{query}"))
    assert label in page.partition("Chosen: <strong>")[2].partition("</strong>")[0]


def test_the_audit_trail_shows_who_retried_which_items_by_which_filter(
    admin_client: Client, admin_user: User
) -> None:
    items = [failed(TooLarge()) for _ in range(3)]
    admin_client.post(f"{RETRY_ALL}?error__exact=too_large", YES)
    job = BulkJob.objects.get()
    entries = set(
        LogEntry.objects.filter(user=admin_user).values_list("object_id", "change_message")
    )
    assert entries == {
        (None, f"Retried 3 media items as job {job.pk}: reason too_large."),
        *((str(item.pk), f"Retried by job {job.pk}.") for item in items),
    }


def test_the_audit_trail_of_an_item_links_to_the_job(admin_client: Client) -> None:
    item = failed(TooLarge())
    admin_client.post(f"{RETRY_ALL}?error__exact=too_large", YES)
    history = text_of(
        admin_client.get(reverse("admin:mediapipe_mediaitem_history", args=[item.pk]))
    )
    job = BulkJob.objects.get()
    link = f'<a href="{reverse("admin:bulk_job", args=[job.pk])}">job {job.pk}</a>'
    assert f"Retried by {link}." in history


def test_a_retry_with_unknown_filters_is_refused_and_changes_nothing(admin_client: Client) -> None:
    item = failed()
    assert admin_client.post(f"{RETRY_ALL}?nonsense=1", YES).status_code == 400
    assert status_of(item) == Status.FAILED


def test_the_confirmation_states_that_there_is_nothing_to_retry(admin_client: Client) -> None:
    make.media()
    assert "There is nothing to retry" in text_of(admin_client.get(RETRY_ALL))


def test_items_beyond_the_first_batch_are_retried_by_later_batches(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH", 2)
    for _ in range(5):
        failed()
    answer = admin_client.post(RETRY_ALL, YES, follow=True)
    assert "2 of 5 processed: 2 items retried." in text_of(answer)
    assert run_batches() == 3
    job = BulkJob.objects.get()
    assert (job.done, job.changed, job.finished_at is None) == (5, 5, False)
    assert not BulkBatch.objects.exists()
    answer = admin_client.get(reverse("admin:bulk_job", args=[job.pk]))
    assert "Done: 5 items retried." in text_of(answer)


def test_the_progress_of_a_job_is_available_as_json(admin_client: Client) -> None:
    failed()
    admin_client.post(RETRY_ALL, YES)
    url = reverse("admin:bulk_job", args=[BulkJob.objects.get().pk])
    progress = admin_client.get(url, headers={"Accept": "application/json"}).json()
    assert progress == {"done": 1, "total": 1, "text": "Done: 1 item retried."}


def test_an_item_that_was_stored_in_the_meantime_is_skipped(
    admin_client: Client, admin_user: User
) -> None:
    item, other = failed(), failed()
    BulkJob.create([item.pk, other.pk], by=admin_user, chosen="these")
    MediaItem.objects.filter(pk=other.pk).update(status=Status.STORED)
    assert run_next_batch() == [item.pk]
    assert BulkJob.objects.get().skipped == 1
    assert status_of(other) == Status.STORED


def test_a_failed_batch_changes_nothing_and_is_repeated_by_the_next_run(
    admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = failed()
    BulkJob.create([item.pk], by=admin_user, chosen="this")
    with monkeypatch.context() as broken:
        broken.setattr("mediapipe.operations.manual_control.log_changes", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_next_batch()
    assert (status_of(item), BulkJob.objects.get().done) == (Status.FAILED, 0)
    assert run_next_batch() == [item.pk]


def test_a_full_queue_leaves_the_rest_to_the_sweep(
    admin_user: User, dispatched: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    item = failed()
    BulkJob.create([item.pk], by=admin_user, chosen="this")
    monkeypatch.setattr("tasks.bulk_jobs.queue_capacity", lambda queue: 0)
    run_next_batch()
    assert dispatched == []
    assert MediaItem.objects.overdue(timezone.now()).get() == item


def test_a_job_continues_after_its_user_is_deleted(admin_user: User) -> None:
    item = failed()
    BulkJob.create([item.pk], by=admin_user, chosen="this")
    admin_user.delete()
    assert run_next_batch() == [item.pk]


def test_a_viewer_cannot_retry_anything(client: Client) -> None:
    viewer = User.objects.create_user("viewer")
    roles.assign(viewer, roles.VIEWER)
    client.force_login(viewer)
    item = failed()
    retry_selected(client, item, **YES)
    assert retry_one(client, item).status_code == 403
    assert client.post(RETRY_ALL, YES).status_code == 403
    assert status_of(item) == Status.FAILED
