"""Pausing and resuming an account and giving up on media in the admin."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from mediapipe.models import AccountHealth, BulkJob, MediaItem, Status
from mediapipe.operations import roles
from mediapipe.operations.manual_control import MAX_REASON
from tests.support import make
from tests.support.admin import ESCAPED, SCRIPT, client_with_role, media_page, page

pytestmark = [pytest.mark.django_db, pytest.mark.database]

GIVE_UP_ALL = reverse("admin:mediapipe_mediaitem_give_up_all")
PAUSE = reverse("admin:pause_account")
RESUME = reverse("admin:resume_account")
CHANGELIST = reverse("admin:mediapipe_mediaitem_changelist")
YES = {"confirmed": "yes", "reason": "sent again"}
FORM = {"account": make.ACCOUNT, "reason": "a rebuilt gateway"}


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def status_of(item: MediaItem) -> str:
    item.refresh_from_db()
    return item.status


def give_up_url(item: MediaItem) -> str:
    return reverse("admin:mediapipe_mediaitem_give_up", args=[item.pk])


def test_one_item_is_given_up_after_confirmation(admin_client: Client) -> None:
    item = make.media()
    assert f'href="{give_up_url(item)}"' in media_page(admin_client, item)
    confirmation = text_of(admin_client.get(give_up_url(item)))
    assert "Yes, give up on 1 media item" in confirmation
    assert status_of(item) == Status.QUEUED
    answer = admin_client.post(give_up_url(item), YES, follow=True)
    assert "The item is marked as failed." in text_of(answer)
    assert (status_of(item), item.detail) == (Status.FAILED, "admin: sent again")


def test_a_second_click_changes_nothing_and_shows_a_message(admin_client: Client) -> None:
    item = make.media()
    admin_client.post(give_up_url(item), YES)
    answer = admin_client.post(give_up_url(item), YES, follow=True)
    assert "Nothing was changed" in text_of(answer)
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize("reason", ["", " ", "x" * (MAX_REASON + 1)])
def test_a_missing_or_too_long_reason_is_refused_and_nothing_is_given_up(
    admin_client: Client, reason: str
) -> None:
    item = make.media()
    answer = admin_client.post(give_up_url(item), {"confirmed": "yes", "reason": reason})
    assert "Enter a reason of at most 200 characters." in text_of(answer)
    assert status_of(item) == Status.QUEUED


def test_only_the_selected_unfinished_items_are_given_up(admin_client: Client) -> None:
    item, stored, other = make.media(), make.store(make.claimed()), make.media()
    ticked = {"action": "give_up", "_selected_action": [item.pk, stored.pk]}
    confirmation = text_of(admin_client.post(CHANGELIST, ticked))
    assert "1 unfinished media item</strong> will be marked as failed" in confirmation
    assert "1 item will be skipped: stored, failed or absent." in confirmation
    assert "Enter a reason" not in confirmation
    answer = admin_client.post(CHANGELIST, ticked | YES, follow=True)
    assert "Done: 1 item given up." in text_of(answer)
    assert [*map(status_of, (item, stored, other))] == ["failed", "stored", "queued"]


def test_all_items_that_match_the_filter_are_given_up_and_no_others(admin_client: Client) -> None:
    item, other = make.media(), make.media()
    MediaItem.objects.filter(pk=item.pk).update(error="not_ready")
    url = f"{GIVE_UP_ALL}?error__exact=not_ready"
    assert "Chosen: <strong>reason not_ready" in text_of(admin_client.get(url))
    answer = admin_client.post(url, YES, follow=True)
    assert "Reason: sent again" in text_of(answer)
    assert re.search(r"given up</span>: <a [^>]*>1 item</a>", text_of(answer))
    assert [*map(status_of, (item, other))] == ["failed", "queued"]
    entries = set(LogEntry.objects.values_list("object_id", "change_message"))
    job = BulkJob.objects.get()
    assert entries == {
        (None, f"Gave up on 1 media item as job {job.pk}: reason not_ready. sent again"),
        (str(item.pk), f"Given up by job {job.pk}: sent again"),
    }


def test_the_confirmation_states_how_many_items_are_being_fetched(admin_client: Client) -> None:
    make.claimed()
    assert "1 item is being fetched now: the result is discarded" in text_of(
        admin_client.get(GIVE_UP_ALL)
    )


def test_the_confirmation_states_that_there_is_nothing_to_give_up(admin_client: Client) -> None:
    make.store(make.claimed())
    assert "There is nothing to give up" in text_of(admin_client.get(GIVE_UP_ALL))


def test_an_account_is_paused_and_resumed(admin_client: Client) -> None:
    item = make.media()
    assert f'href="{PAUSE}?account={make.ACCOUNT}"' in media_page(admin_client, item)
    assert f'value="{make.ACCOUNT}" selected' in text_of(
        admin_client.get(PAUSE, {"account": make.ACCOUNT})
    )
    answer = admin_client.post(PAUSE, FORM, follow=True)
    assert "is paused until a user resumes it" in text_of(answer)
    why = f"admin paused the account on {AccountHealth.objects.get().paused_at:%Y-%m-%d %H:%M}"
    for shown in (text_of(answer), media_page(admin_client, item)):
        assert f"{why}: a rebuilt gateway" in shown
    health = AccountHealth.objects.get()
    assert "Resume</button>" in page(admin_client, "mediapipe_accounthealth_change", health.pk)
    answer = admin_client.post(RESUME, {"account": make.ACCOUNT}, follow=True)
    assert "is resumed; due items start within seconds" in text_of(answer)
    assert not AccountHealth.objects.degraded()


def test_the_overview_shows_a_paused_account(admin_client: Client) -> None:
    make.media()
    assert "none paused" in page(admin_client, "index")
    admin_client.post(PAUSE, FORM)
    assert "1 paused. Nothing is fetched for a paused account" in page(admin_client, "index")


def test_a_second_pause_keeps_the_first_reason(admin_client: Client) -> None:
    make.media()
    admin_client.post(PAUSE, FORM)
    answer = admin_client.post(PAUSE, FORM | {"reason": "another"}, follow=True)
    assert "Nothing was changed" in text_of(answer)
    assert AccountHealth.objects.get().pause_reason == "a rebuilt gateway"


def test_an_unknown_account_cannot_be_paused_or_resumed(admin_client: Client) -> None:
    answer = admin_client.post(PAUSE, FORM | {"account": "AC" + "f" * 32})
    assert "Choose an account." in text_of(answer)
    answer = admin_client.post(RESUME, {"account": "nonsense"}, follow=True)
    assert "no user has paused this account" in text_of(answer)
    assert not AccountHealth.objects.exists()


def test_a_reason_is_escaped_wherever_it_is_shown(admin_client: Client) -> None:
    item = make.media()
    answer = admin_client.post(PAUSE, FORM | {"reason": SCRIPT}, follow=True)
    assert ESCAPED in text_of(answer)
    admin_client.post(give_up_url(item), YES | {"reason": SCRIPT})
    for html in (text_of(answer), media_page(admin_client, item)):
        assert SCRIPT not in html


def test_a_viewer_sees_the_pause_reason_but_can_change_nothing() -> None:
    item = make.media()
    client = client_with_role(roles.SUPPORT)
    client.post(PAUSE, FORM)
    viewer = client_with_role(roles.VIEWER)
    assert "a rebuilt gateway" in media_page(viewer, item)
    for url in (give_up_url(item), GIVE_UP_ALL, PAUSE):
        assert viewer.get(url).status_code == 403
    for url, form in ((give_up_url(item), YES), (GIVE_UP_ALL, YES), (RESUME, FORM)):
        assert viewer.post(url, form).status_code == 403
    assert status_of(item) == Status.QUEUED
    assert AccountHealth.objects.get().paused_by == "a Support"
    assert User.objects.count() == 2
