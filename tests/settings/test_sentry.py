"""Sentry gets reports of bugs, without personal data and without secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from celery.beat import Scheduler as CeleryScheduler
from django.conf import settings
from django.test import Client
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from mediapipe.celery import app
from mediapipe.queueing.beat_scheduler import Scheduler
from mediapipe.settings import sentry
from mediapipe.simulator import Simulator, faults, payloads
from tasks.fetch_media import fetch_media
from tests.support import make
from tests.support.fetching import picture
from tests.support.webhooks import send

pytestmark = pytest.mark.django_db

DSN = "https://key@sentry.example/1"
LINK = "https://mms.twiliocdn.com/a/b?Expires=1&Signature=canary"
PHONE = "+15550000002"


class RecordingTransport(Transport):
    """Keeps the events that would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        for item in envelope.items:
            document: Any = item.payload.json
            self.events.append(document)


@pytest.fixture
def reported() -> Iterator[list[dict[str, Any]]]:
    """Report to a list instead of a server."""
    transport = RecordingTransport()
    sentry.configure(DSN, settings.CELERY_BEAT_SCHEDULE, transport=transport)
    yield transport.events
    sentry_sdk.get_global_scope().set_client(None)


def bug(*args: object, **kwargs: object) -> None:
    caller = PHONE
    raise ZeroDivisionError(f"{caller} sent {LINK}")


def test_a_bug_in_webhook_handling_is_reported_without_the_webhooks_content(
    reported: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediapipe.webhooks.views.receive", bug)
    webhook = payloads.mms(1, account_sid=make.ACCOUNT).changed(Body="canary")
    for method in ("POST", "GET"):
        with pytest.raises(ZeroDivisionError):
            send(webhook, method=method)
    assert len(reported) == 2
    text = json.dumps(reported, default=str)
    assert "ZeroDivisionError" in text
    assert "https://mms.twiliocdn.com/a/b" in text
    for secret in ("canary", PHONE[1:], webhook["From"][1:], "Signature", make.TOKEN):
        assert secret not in text


def test_a_bug_in_a_fetch_is_reported_with_its_task(
    reported: list[dict[str, Any]], twilio: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediapipe.fetching.attempt.retrieve", bug)
    fetch_media.apply(kwargs={"media_id": picture(twilio).pk})
    (event,) = reported
    assert event["transaction"] == "tasks.fetch_media.fetch_media"


def test_an_expected_fetch_failure_is_not_reported(
    reported: list[dict[str, Any]], twilio: Simulator
) -> None:
    for status in (404, 410, 500):
        item = picture(twilio, faults=[faults.Status(status)])
        fetch_media.apply(kwargs={"media_id": item.pk}, throw=False)
    assert reported == []


def test_a_run_of_a_monitored_beat_task_is_reported(
    reported: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Beat's own connection to the broker is not needed.
    monkeypatch.setattr(CeleryScheduler, "apply_async", lambda *args, **kwargs: None)
    scheduler = Scheduler(app, lazy=True)
    scheduler.update_from_dict(settings.CELERY_BEAT_SCHEDULE)
    for name in ("check_escalation", "redispatch"):
        scheduler.apply_entry(scheduler.schedule[name])
    (check_in,) = reported
    assert (check_in["monitor_slug"], check_in["status"]) == ("check_escalation", "in_progress")
    assert check_in["monitor_config"]["schedule"] == {
        "type": "interval",
        "value": 1,
        "unit": "minute",
    }


def test_sentry_is_inactive_without_a_dsn(client: Client) -> None:
    assert not sentry_sdk.get_client().is_active()
