"""A GATEWAY_FILE that is invalid when a process starts: webhooks are spooled, and messages wait."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from pytest_django import Settings

from mediapipe.gateway.entries import entries, read_at_start
from mediapipe.models import GatewayDelivery, WebhookEvent
from mediapipe.operations.web_worker import waiting_threads
from mediapipe.webhooks import receive, spool
from tasks.gateway import dispatch_deliveries
from tests.support import make
from tests.support.gateway import Published, configure, sms
from tests.support.webhooks import send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

EMPTY = b"<Response/>"


@pytest.fixture(autouse=True)
def file(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a GATEWAY_FILE with an app, and let only the test drain the spool."""
    monkeypatch.setattr(receive.drainer, "wake", lambda: None)
    configure(settings, tmp_path, {"answer": "empty"})
    return tmp_path / "gateway.json"


def break_it(file: Path) -> str:
    """Make the file invalid for a process that starts now; return its valid text."""
    valid = file.read_text()
    file.write_text('[\n {"name": "bot",}\n]')
    entries.cache_clear()
    return valid


def test_a_running_process_keeps_the_gateway_file_that_it_has_read(
    file: Path, published: Published
) -> None:
    read_at_start()
    file.write_text("[")
    assert send(sms()).content == EMPTY
    assert GatewayDelivery.objects.get().entry == "bot"


def test_a_webhook_is_answered_and_spooled_while_the_file_is_invalid(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    break_it(file)
    answer = send(sms())
    assert (answer.status_code, answer.content) == (200, EMPTY)
    assert (spool.depth(), WebhookEvent.objects.count()) == (1, 0)
    assert f"GATEWAY_FILE ({file}) is not JSON:" in caplog.text
    assert "in line 2" in caplog.text
    assert "`manage.py check`" in caplog.text


def test_a_spooled_webhook_is_recorded_for_its_app_once_the_file_is_valid(
    file: Path, published: Published
) -> None:
    valid = break_it(file)
    send(sms())
    with pytest.raises(receive.AppsUnknown):
        receive.drain_spool()
    assert spool.depth() == 1
    file.write_text(valid)
    assert receive.drain_spool() == 1
    assert GatewayDelivery.objects.get().entry == "bot"


def test_a_forged_webhook_is_refused_while_the_file_is_invalid(file: Path) -> None:
    break_it(file)
    assert send(sms(), signature="wrong").status_code == 403
    assert spool.depth() == 0


def test_waiting_deliveries_are_neither_sent_nor_dropped_while_the_file_is_invalid(
    file: Path, published: Published, caplog: pytest.LogCaptureFixture
) -> None:
    send(sms())
    valid = break_it(file)
    GatewayDelivery.objects.update(received_at=make.NOON, sweep_at=make.NOON)
    published.clear()
    assert dispatch_deliveries() == 0
    assert GatewayDelivery.objects.get().status == "waiting"
    assert f"GATEWAY_FILE ({file}) is not JSON:" in caplog.text
    file.write_text(valid)
    assert dispatch_deliveries() == 1


def test_a_missing_file_is_logged_as_critical_at_startup(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.unlink()
    entries.cache_clear()
    read_at_start()
    assert f"GATEWAY_FILE ({file}) cannot be read: No such file or directory." in caplog.text
    assert caplog.records[-1].levelno == logging.CRITICAL


def test_a_web_server_reserves_threads_for_apps_while_the_file_is_invalid(
    file: Path, settings: Settings
) -> None:
    assert waiting_threads() == 0
    break_it(file)
    assert waiting_threads() == settings.GATEWAY_IN_FLIGHT
