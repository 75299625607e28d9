"""The admin distinguishes items found by reconciliation from those announced by a webhook."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mediapipe.models import MediaItem, Reconciliation
from mediapipe.webhooks.record import record
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def found() -> MediaItem:
    """Return a picture that was found an hour after it arrived at Twilio."""
    message = make.message(source="reconciliation")
    now = timezone.now()
    event = record(
        message, provider="twilio", received_at=now - timedelta(hours=1), reconciled_at=now
    )
    return event.media.get()


def test_the_page_of_an_item_counts_from_its_arrival_at_twilio(
    admin_client: Client, found: MediaItem
) -> None:
    page = admin_client.get(reverse("admin:mediapipe_mediaitem_change", args=[found.pk]))
    text = page.content.decode()
    assert "1 h after it arrived at Twilio" in text
    assert "found by reconciliation" in text
    assert "after the webhook" not in text.lower()


def test_the_page_of_an_event_states_that_no_webhook_was_received(
    admin_client: Client, found: MediaItem
) -> None:
    page = admin_client.get(reverse("admin:mediapipe_webhookevent_change", args=[found.event_id]))
    assert "no webhook was received" in page.content.decode()


def test_events_are_filtered_by_how_they_were_found(admin_client: Client, found: MediaItem) -> None:
    make.event()
    page = admin_client.get(
        reverse("admin:mediapipe_webhookevent_changelist"), {"source__exact": "reconciliation"}
    )
    assert [event.pk for event in page.context["cl"].result_list] == [found.event_id]


def test_the_list_of_runs_shows_whether_each_is_finished(admin_client: Client) -> None:
    run = Reconciliation.build(make.ACCOUNT, timezone.now() - timedelta(hours=2), timezone.now())
    run.save()
    url = reverse("admin:mediapipe_reconciliation_changelist")
    assert "finished" not in admin_client.get(url).content.decode()
    run.advance(run.until, looked_at=7, taken_in=3)
    assert "finished" in admin_client.get(url).content.decode()


def test_the_page_of_a_run_has_the_labels_of_the_list(admin_client: Client) -> None:
    run = Reconciliation.build(make.ACCOUNT, timezone.now() - timedelta(hours=2), timezone.now())
    run.save()
    url = reverse("admin:mediapipe_reconciliation_change", args=[run.pk])
    shown = admin_client.get(url).content.decode()
    for label in ("Messages and recordings compared", "Missing, now recorded", "Started by"):
        assert f"<dt>{label}</dt>" in shown
