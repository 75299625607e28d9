"""PostgreSQL logs failed statements with their values, so no webhook may make one fail."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from mediapipe.models import HandOff, MediaItem, WebhookEvent
from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from tests.support import make
from tests.support.postgresql_log import ServerLog, wait_for_blocked_statement
from tests.support.webhooks import send

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.database,
    pytest.mark.skipif(
        "connection.vendor != 'postgresql'",
        reason="SQLite has no log; runs in tests/deployment/test_on_postgresql.py",
    ),
]


@pytest.fixture
def log() -> ServerLog:
    return ServerLog()


def sms() -> tuple[Webhook, str]:
    """Return a text message, and the secret word in its text."""
    word = f"secret-{secrets.token_hex(8)}"
    return payloads.sms(account_sid=make.ACCOUNT).changed(Body=f"my {word}"), word


def run_and_disconnect(action: Any, *values: Any) -> Any:
    try:
        return action(*values)
    finally:
        connection.close()


def test_the_text_of_a_webhook_sent_twice_is_not_in_the_database_log(log: ServerLog) -> None:
    webhook, word = sms()
    assert [send(webhook).status_code for _ in range(2)] == [200, 200]
    assert WebhookEvent.objects.get().repeats == 1
    assert word not in log.text()


def test_the_text_of_a_webhook_repeated_while_being_recorded_is_not_in_the_log(
    log: ServerLog,
) -> None:
    webhook, word = sms()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            send(webhook)
            second = pool.submit(run_and_disconnect, send, webhook)
            wait_for_blocked_statement()
        assert second.result(10).status_code == 200
    assert WebhookEvent.objects.get().repeats == 1
    assert word not in log.text()


def test_the_text_of_a_webhook_sent_many_times_concurrently_is_not_in_the_log(
    log: ServerLog,
) -> None:
    webhook, word = sms()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: run_and_disconnect(send, webhook), range(24)))
    assert WebhookEvent.objects.get().repeats == 23
    assert word not in log.text()


def test_refused_media_repeats_and_hand_offs_leave_no_text_in_the_database_log(
    log: ServerLog, settings: Settings
) -> None:
    settings.HANDOFF_WEBHOOK_URL = "https://crm.example/"
    webhook, word = sms()
    url = f"https://evil.example/?t={word}"
    for index in range(3):
        refused = {"NumMedia": "1", "MediaUrl0": url, "MediaContentType0": word, "X": f"{index}"}
        for _ in range(2):
            assert send(webhook.changed(**refused)).status_code == 200
    assert (MediaItem.objects.count(), HandOff.objects.count()) == (1, 1)
    assert WebhookEvent.objects.get().repeated.count() == 2
    assert word not in log.text()
