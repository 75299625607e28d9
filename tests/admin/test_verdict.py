"""The first line of the admin: whether all is well, and if not, what needs attention."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mediapipe.models import AccountHealth, Cause, Heartbeat, Incident, MediaItem, Observation
from mediapipe.models.heartbeats import BEAT, SWEEP
from mediapipe.operations import components
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("running")]


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every component respond."""
    monkeypatch.setattr(components, "broker_error", lambda: None)
    for part in (BEAT, SWEEP, "worker celery@here"):
        Heartbeat.record(part)


def verdict(client: Client) -> tuple[str, list[str]]:
    """Return the sentence, and the URLs of its links."""
    html = client.get(reverse("admin:index")).content.decode()
    found = re.search(r'<p class="verdict (?:well|ill)".*?</p>', html, re.DOTALL)
    assert found
    words = " ".join(re.sub("<.*?>", "", unescape(found[0])).split())
    return words, [unescape(url) for url in re.findall(r'href="(.*?)"', found[0])]


def waiting(error: str, **changes: Any) -> MediaItem:
    item = make.media()
    changes = {"status": "retrying", "attempts": 1, "error": error, **changes}
    MediaItem.objects.filter(pk=item.pk).update(**changes)
    return item


def test_the_verdict_is_all_well_if_every_component_responds(admin_client: Client) -> None:
    text, urls = verdict(admin_client)
    assert text.startswith("✓ All well.")
    assert urls == []


def test_a_component_that_does_not_respond_is_named(admin_client: Client) -> None:
    Heartbeat.objects.filter(part=BEAT).delete()
    text, urls = verdict(admin_client)
    assert text == "✕ Needs attention: beat never seen."
    assert urls == ["/admin/#service"]


def test_the_verdict_shows_how_many_items_wait_because_of_an_incident(admin_client: Client) -> None:
    incident = Incident.open_or_update(Cause.STORAGE)
    assert incident
    for _ in range(3):
        waiting("storage_failed")
    waiting("not_ready")
    assert verdict(admin_client)[0] == "✕ Needs attention: Storage: 3 items wait."
    MediaItem.objects.filter(error="storage_failed").update(status="stored", error="")
    assert verdict(admin_client)[0] == "✕ Needs attention: Storage: 0 items wait."


def test_the_detail_of_an_incident_is_shown_while_no_item_waits(admin_client: Client) -> None:
    seen = Observation(None, None, "alpha has 1 MB free.", MediaItem.objects.none())
    Incident.open_or_update(Cause.DISK, observation=seen)
    assert verdict(admin_client)[0] == "✕ Needs attention: Disk: alpha has 1 MB free."


def test_an_account_without_a_name_is_identified_by_its_last_four_digits(
    admin_client: Client,
) -> None:
    Incident.open_or_update(Cause.CREDENTIALS, make.ACCOUNT)
    waiting("account_refused")
    text, (url,) = verdict(admin_client)
    assert f"Credentials (AC…{make.ACCOUNT[-4:]}): 1 item waits" in text
    page = unescape(admin_client.get(url).content.decode())
    (listed,) = set(re.findall(r'href="([^"]*waiting_longer_than=0)"', page))
    assert make.ACCOUNT in listed
    assert admin_client.get(listed).status_code == 200


@pytest.mark.usefixtures("berlin")
def test_an_account_with_a_name_is_shown_by_its_name(admin_client: Client) -> None:
    Incident.open_or_update(Cause.CREDENTIALS, make.ACCOUNT)
    assert "Credentials (Berlin): 0 items wait" in verdict(admin_client)[0]


def test_an_incident_that_blocks_no_items_shows_what_was_measured(admin_client: Client) -> None:
    seen = Observation(20, 8, "20 of 40 had an early 404.", MediaItem.objects.none())
    Incident.open_or_update(Cause.EARLY_404S, make.ACCOUNT, seen)
    assert verdict(admin_client)[0].endswith(": 20 of 40 had an early 404.")


def test_an_ignored_incident_needs_no_attention(admin_client: Client, admin_user: User) -> None:
    incident = Incident.open_or_update(Cause.STORAGE)
    assert incident
    incident.ignore(admin_user)
    assert verdict(admin_client)[0].startswith("✓ All well.")


def test_an_account_that_a_user_paused_is_named(admin_client: Client) -> None:
    row = AccountHealth.get_or_create_for(make.ACCOUNT)
    AccountHealth.objects.filter(pk=row.pk).update(paused_at=timezone.now(), paused_by="ann")
    text, (url,) = verdict(admin_client)
    assert text.endswith(f"AC…{make.ACCOUNT[-4:]} is paused by ann.")
    assert admin_client.get(url).status_code == 200


def test_many_findings_end_in_a_link_to_the_rest(admin_client: Client) -> None:
    for number in range(7):
        Incident.open_or_update(Cause.CREDENTIALS, f"{make.ACCOUNT[:-1]}{number}")
    text, urls = verdict(admin_client)
    assert text.endswith("and 2 more.")
    assert len(urls) == 6
    assert urls[5].startswith(reverse("admin:mediapipe_incident_changelist"))


def test_the_rest_links_to_the_accounts_if_only_paused_accounts_are_omitted(
    admin_client: Client,
) -> None:
    for number in range(6):
        row = AccountHealth.get_or_create_for(f"{make.ACCOUNT[:-1]}{number}")
        AccountHealth.objects.filter(pk=row.pk).update(paused_at=timezone.now(), paused_by="ann")
    text, urls = verdict(admin_client)
    assert text.endswith("and 1 more.")
    assert urls[5] == reverse("admin:mediapipe_accounthealth_changelist")
