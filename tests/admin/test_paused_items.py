"""An item whose account is paused: why it waits, until when, and what is affected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from mediapipe.failures import TransientMedia404
from mediapipe.fetching.attempt import conclude
from mediapipe.models import AccountHealth, Cause, Incident, MediaItem
from mediapipe.providers.base import Evidence
from tests.support import make
from tests.support.admin import media_page, page

pytestmark = pytest.mark.django_db

PROBE = datetime(2026, 3, 1, 17, 18, 14, tzinfo=UTC)
DUE = "The next attempt is due."


@pytest.fixture
def item() -> MediaItem:
    """Return an item whose next attempt has been due for a minute."""
    item = make.claimed()
    conclude(item, TransientMedia404(), Evidence(http_status=404))
    ago = datetime.now(UTC) - timedelta(minutes=1)
    MediaItem.objects.filter(pk=item.pk).update(next_attempt_at=ago)
    return item


def pause(**changes: object) -> None:
    values = {"paused_at": PROBE - timedelta(minutes=5), "probe_at": PROBE, **changes}
    AccountHealth.objects.update_or_create(account_sid=make.ACCOUNT, defaults=values)


def test_the_page_of_a_paused_item_shows_no_attempt_as_due(
    admin_client: Client, item: MediaItem
) -> None:
    assert DUE in media_page(admin_client, item)
    pause()
    assert DUE not in media_page(admin_client, item)


def test_the_steps_of_a_paused_item_include_no_next_attempt(
    admin_client: Client, item: MediaItem
) -> None:
    assert ">next attempt<" in media_page(admin_client, item)
    pause()
    assert ">next attempt<" not in media_page(admin_client, item)


@pytest.mark.database
def test_the_list_shows_an_item_of_a_paused_account_as_waiting_for_its_account(
    admin_client: Client, item: MediaItem
) -> None:
    assert "next now" in page(admin_client, "mediapipe_mediaitem_changelist")
    pause()
    html = page(admin_client, "mediapipe_mediaitem_changelist")
    assert "next now" not in html
    assert "waits for its account" in html


def test_the_page_explains_the_pause_and_shows_the_next_probe(
    admin_client: Client, item: MediaItem
) -> None:
    pause()
    html = media_page(admin_client, item)
    assert "It waits because Twilio rejects the credentials of the account" in html
    assert f'; the next probe is at <time datetime="{PROBE.isoformat()}"' in html


def test_an_account_that_a_user_paused_has_no_probe(admin_client: Client, item: MediaItem) -> None:
    pause(paused_by="ann", pause_reason="a rebuilt gateway", probe_at=None)
    html = media_page(admin_client, item)
    assert "a rebuilt gateway." in html
    assert "next probe" not in html


def test_the_page_links_to_the_incident_of_the_credentials(
    admin_client: Client, item: MediaItem
) -> None:
    pause()
    other = Incident.open_or_update(Cause.EARLY_404S, make.ACCOUNT)
    opened = Incident.open_or_update(Cause.CREDENTIALS, make.ACCOUNT)
    assert opened
    assert other
    url, elsewhere = (
        reverse("admin:mediapipe_incident_change", args=[each.pk]) for each in (opened, other)
    )
    html = media_page(admin_client, item)
    assert f'<a href="{url}">Incident</a>' in html
    assert elsewhere not in html
