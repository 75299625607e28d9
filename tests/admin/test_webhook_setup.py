"""The page Webhook setup: where each number sends, and what the doctor last found."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from kombu import Connection, Producer
from pytest_django import Settings

from mediapipe.admin import webhook_setup
from mediapipe.models import DoctorReport, Incident, RouteKind, RouteReading, Verdict, WebhookRoute
from mediapipe.operations import roles
from mediapipe.operations.routes.watch import update_incident
from mediapipe.settings.queues import HOUSEKEEPING
from tests.support import make
from tests.support.admin import ESCAPED, SCRIPT, client_with_role, page, queries

pytestmark = [pytest.mark.django_db, pytest.mark.database]

LIST = "mediapipe_webhookroute_changelist"
NUMBER = "+15550000077"
REFRESH = reverse("admin:refresh_webhook_routes")


@pytest.fixture(autouse=True)
def public(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://media.example.com"


def route(**changes: object) -> WebhookRoute:
    values = {
        "account_sid": make.ACCOUNT,
        "kind": RouteKind.NUMBER,
        "sid": make.sid("PN"),
        "name": NUMBER,
        "url": "https://old.example.com/sms",
        "method": "POST",
        "verdict": Verdict.ELSEWHERE,
        "checked_at": timezone.now(),
    }
    return WebhookRoute.objects.create(**values | changes)


def test_the_list_shows_number_url_and_verdict(admin_client: Client) -> None:
    route()
    html = page(admin_client, LIST)
    assert NUMBER in html
    assert "https://old.example.com/sms" in html
    assert "sends elsewhere: old.example.com" in html


def test_a_number_that_no_longer_points_here_shows_when_it_last_did(admin_client: Client) -> None:
    route(pointed_here_at=make.NOON)
    html = page(admin_client, LIST)
    assert "last pointed here at" in html
    assert "state-failed" in html


def test_a_viewer_sees_masked_numbers_on_the_list_and_the_row(admin_client: Client) -> None:
    row = route(url=f"https://old.example.com/{NUMBER}")
    viewer = client_with_role(roles.VIEWER)
    assert NUMBER[1:] not in page(viewer, LIST)
    assert NUMBER[1:] not in page(viewer, "mediapipe_webhookroute_change", row.pk)
    assert "+•••••••••77" in page(viewer, LIST)


@pytest.mark.parametrize(("role", "finds"), [(roles.VIEWER, False), (roles.SUPPORT, True)])
def test_only_users_who_may_see_a_number_find_it(role: str, finds: bool) -> None:
    route()
    assert ("old.example.com" in page(client_with_role(role), LIST, q=NUMBER)) is finds


def test_an_empty_list_explains_what_to_do_first(admin_client: Client, settings: Settings) -> None:
    html = page(admin_client, LIST)
    assert "Point a number here" in html
    assert "https://media.example.com/webhooks/twilio/messaging/" in html
    settings.PUBLIC_BASE_URL = ""
    assert "Set PUBLIC_BASE_URL" in page(admin_client, LIST)


def test_the_list_shows_why_the_urls_could_not_be_read(admin_client: Client) -> None:
    error = "senders: HTTP 403"
    RouteReading.objects.create(account_sid=make.ACCOUNT, tried_at=timezone.now(), error=error)
    assert error in page(admin_client, LIST)


def test_the_last_findings_of_the_doctor_are_shown(admin_client: Client) -> None:
    assert "It has not run yet" in page(admin_client, LIST)
    finding = {"state": "wrong", "what": SCRIPT, "where": "here", "todo": "Run it.", "name": "x"}
    DoctorReport.objects.create(part="disk", at=timezone.now(), findings=[finding])
    html = page(admin_client, LIST)
    assert ESCAPED.lower() in html.lower()
    assert SCRIPT not in html


def test_reading_the_urls_again_publishes_the_task_and_is_logged(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = Mock(return_value=True)
    monkeypatch.setattr("mediapipe.admin.webhook_setup.try_publish", published)
    answer = admin_client.post(REFRESH, follow=True)
    assert "A worker is reading the URLs at Twilio" in answer.content.decode()
    assert published.call_count == 1
    assert LogEntry.objects.get().change_message == "Read the URLs at Twilio."


def test_the_task_is_published_to_the_housekeeping_queue() -> None:
    with Connection("memory://") as connection:
        webhook_setup._publish(Producer(connection))
        queue = connection.SimpleQueue(HOUSEKEEPING)
        assert queue.get(block=False).headers["task"] == "tasks.read_routes.read_routes"
        queue.close()


def test_an_unavailable_broker_is_reported_and_nothing_is_logged(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_WRITE_URL", "amqp://127.0.0.1:1//")
    answer = admin_client.post(REFRESH, follow=True)
    assert "the broker does not respond" in answer.content.decode()
    assert not LogEntry.objects.exists()


def test_accepting_a_route_resolves_its_incident(admin_client: Client) -> None:
    row = route(pointed_here_at=timezone.now())
    update_incident(make.ACCOUNT)
    incident = Incident.objects.ongoing().get()
    link = f"{reverse(f'admin:{LIST}')}?account_sid__exact={make.ACCOUNT}"
    assert link in page(admin_client, "mediapipe_incident_change", incident.pk)
    assert admin_client.get(link).status_code == 200
    ticked = {"action": "accept", "_selected_action": [row.pk]}
    admin_client.post(reverse(f"admin:{LIST}"), ticked)
    assert not Incident.objects.ongoing().exists()
    assert LogEntry.objects.get().object_id == str(row.pk)


def test_a_viewer_cannot_accept_a_route() -> None:
    row = route(pointed_here_at=timezone.now())
    ticked = {"action": "accept", "_selected_action": [row.pk]}
    client_with_role(roles.VIEWER).post(reverse(f"admin:{LIST}"), ticked)
    row.refresh_from_db()
    assert row.pointed_here_at


def test_more_rows_cost_no_more_queries(admin_client: Client) -> None:
    route()
    before = queries(admin_client, LIST)
    for _ in range(5):
        route()
    assert queries(admin_client, LIST) == before


def test_the_list_of_rejections_links_to_the_webhook_setup(admin_client: Client) -> None:
    assert reverse(f"admin:{LIST}") in page(admin_client, "mediapipe_rejection_changelist")
