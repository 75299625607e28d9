"""What the admin shows of notifications, and how failed ones are retried."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from mediapipe.models import Channel, Notice
from mediapipe.models.outbox import DeliveryStatus
from mediapipe.operations.roles import SUPPORT, VIEWER
from tests.support.admin import ESCAPED, SCRIPT, client_with_role, page
from tests.support.clock import later
from tests.support.notifications import NOWHERE, configure, only_notice, report_early_404s

pytestmark = pytest.mark.django_db

LIST = "mediapipe_notice_changelist"


@pytest.fixture
def failed(settings: Settings) -> Notice:
    """Return a failed notice; another one still waits."""
    configure(settings, webhook=NOWHERE, slack=NOWHERE)
    report_early_404s()
    with later(seconds=3):
        notice = Notice.claim(only_notice(Channel.SLACK).pk)
        assert notice
        notice.mark_failed(f"slack.example: 404 {SCRIPT}")
    return notice


def retry_failed(client: Client) -> None:
    chosen = list(Notice.objects.values_list("pk", flat=True))
    client.post(reverse(f"admin:{LIST}"), {"action": "retry_failed", "_selected_action": chosen})


def test_the_page_of_an_incident_shows_its_notifications(failed: Notice) -> None:
    html = page(client_with_role(VIEWER), "mediapipe_incident_change", failed.incident_id)
    assert "Notifications" in html
    assert "slack.example: 404" in html
    assert ESCAPED in html
    assert SCRIPT not in html


def test_an_incident_without_notifications_has_no_notifications_section() -> None:
    html = page(client_with_role(VIEWER), "mediapipe_incident_change", report_early_404s().pk)
    assert '<h2 id="notices-heading">' not in html


def test_the_list_shows_the_last_response_and_links_to_the_incident(failed: Notice) -> None:
    html = page(client_with_role(VIEWER), LIST, status__exact="failed")
    assert reverse("admin:mediapipe_incident_change", args=[failed.incident_id]) in html
    assert "slack.example: 404" in html
    assert SCRIPT not in html


def test_failed_notices_are_retried_and_no_others(failed: Notice) -> None:
    waits = only_notice(Channel.WEBHOOK)
    retry_failed(client_with_role(SUPPORT))
    failed.refresh_from_db()
    assert (failed.status, failed.attempts) == (DeliveryStatus.WAITING, 0)
    assert only_notice(Channel.WEBHOOK).next_attempt_at == waits.next_attempt_at
    assert LogEntry.objects.get().object_id == str(failed.pk)


def test_a_viewer_cannot_retry_notices(failed: Notice) -> None:
    retry_failed(client_with_role(VIEWER))
    failed.refresh_from_db()
    assert failed.status == DeliveryStatus.FAILED
