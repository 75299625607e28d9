"""A retry says in advance whether it can succeed, and afterwards what became of each item."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from mediapipe.failures import FinalFailure, Gone, TooLarge, Unauthorized
from mediapipe.models import BulkAction, BulkJob, MediaItem
from mediapipe.operations.roles import SUPPORT, VIEWER
from mediapipe.providers.base import Evidence
from tests.support import make
from tests.support.admin import client_with_role, listed, page

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("published")]

RETRY_ALL = reverse("admin:mediapipe_mediaitem_retry_all")


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the broker accept everything."""
    monkeypatch.setattr("tasks.bulk_jobs.dispatch", lambda ids, queue: True)
    monkeypatch.setattr("tasks.bulk_jobs.queue_capacity", lambda queue: 1000)


def failed(*failures: FinalFailure) -> list[MediaItem]:
    items = [make.claimed() for _ in failures]
    for item, failure in zip(items, failures, strict=True):
        item.mark_failed(failure, Evidence())
    return items


def retried(client: Client, *reasons: str) -> BulkJob:
    client.post(RETRY_ALL, {"confirmed": "yes", "include": reasons})
    return BulkJob.objects.latest("pk")


def outcomes(html: str) -> list[str]:
    items = re.findall(r"<li>(.*?)</li>", html.partition('class="followers"')[2], re.DOTALL)
    return [" ".join(unescape(re.sub("<.*?>", "", item)).split()) for item in items]


def test_the_confirmation_shows_for_each_reason_whether_a_retry_can_succeed(
    admin_client: Client,
) -> None:
    failed(Gone(), Unauthorized(), Unauthorized())
    html = admin_client.get(RETRY_ALL).content.decode()
    rows = re.findall(
        r'name="include" value="(\w+)"( checked)?>.*?number">(\d+)<.*?<td>(.*?)<', html, re.DOTALL
    )
    assert rows == [
        ("unauthorized", " checked", "2", "after a change"),
        ("gone", "", "1", "cannot succeed"),
    ]


def test_only_the_chosen_reasons_are_retried(admin_client: Client) -> None:
    gone, refused = failed(Gone(), Unauthorized())
    job = retried(admin_client, "unauthorized")
    assert list(job.media.all()) == [refused]
    gone.refresh_from_db()
    assert gone.status == "failed"


def test_nothing_is_retried_if_no_reason_is_chosen(admin_client: Client) -> None:
    failed(Unauthorized())
    answer = admin_client.post(RETRY_ALL, {"confirmed": "yes"})
    assert "Choose at least one reason." in str(*get_messages(answer.wsgi_request))
    assert not BulkJob.objects.exists()


def test_a_job_shows_the_outcomes_of_its_items(admin_client: Client) -> None:
    items = failed(*[Unauthorized() for _ in range(4)])
    job = retried(admin_client, "unauthorized")
    ids = [item.pk for item in items]
    MediaItem.objects.filter(pk__in=ids[:2]).update(status="stored", error="")
    MediaItem.objects.filter(pk=ids[2]).update(status="failed", error="gone")
    html = page(admin_client, "bulk_job", job.pk)
    assert outcomes(html)[:3] == [
        "✓ stored: 2 items",
        "✕ failed again (gone): 1 item",
        "○ waiting: 1 item",
    ]
    (url,) = re.findall(r'href="([^"]*status__exact=stored)"', html)
    shown = admin_client.get(unescape(url)).content.decode()
    assert {int(pk) for pk in re.findall(r"/mediaitem/(\d+)/change/", shown)} == set(ids[:2])


def test_every_job_is_in_the_list(admin_client: Client) -> None:
    failed(TooLarge())
    job = retried(admin_client, "too_large")
    html = page(admin_client, "bulk_jobs")
    assert reverse("admin:bulk_job", args=[job.pk]) in html
    assert outcomes(html)[0] == "○ waiting: 1 item"


def test_the_list_states_that_there_is_no_job_yet(admin_client: Client) -> None:
    assert "No job yet." in page(admin_client, "bulk_jobs")


def test_a_user_who_may_not_retry_cannot_see_the_list() -> None:
    assert client_with_role(VIEWER).get(reverse("admin:bulk_jobs")).status_code == 403


def test_only_users_who_may_give_up_see_jobs_that_gave_up() -> None:
    BulkJob.create([], by=None, chosen="everything", action=BulkAction.GIVE_UP)
    client = client_with_role(SUPPORT)
    may = client.get(reverse("admin:bulk_jobs")).wsgi_request.user.has_perm(
        "mediapipe.give_up_mediaitem"
    )
    assert ("everything" in page(client, "bulk_jobs")) == may


def test_the_media_list_can_be_filtered_by_job(admin_client: Client) -> None:
    (item,) = failed(TooLarge())
    failed(Gone())
    job = retried(admin_client, "too_large")
    assert listed(admin_client, job=str(job.pk)) == {item.pk}
    assert listed(admin_client, job="9" * 30) == set()
