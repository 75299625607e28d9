from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, OperationalError, ProgrammingError, connection
from pytest_django import Settings

from mediapipe.models import MediaItem, Rejection, WebhookEvent
from mediapipe.providers.base import InboundMessage
from mediapipe.queueing import limits
from mediapipe.simulator import payloads
from mediapipe.webhooks import receive, spool
from mediapipe.webhooks.receive import DatabaseUnavailable
from mediapipe.webhooks.record import record
from tests.support import make
from tests.support.webhooks import ARRIVED, mms, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


class Database:
    """Switches the database off and on for code that records webhooks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.patch = monkeypatch
        self.record = record

    def stop(self) -> None:
        def fail(*args: Any, **kwargs: Any) -> None:
            raise OperationalError("the server closed the connection unexpectedly")

        self.patch.setattr(receive, "record", fail)

    def start(self) -> None:
        self.patch.setattr(receive, "record", self.record)

    def reject(self, subject_sid: str, error: Exception) -> None:
        """Raise this error whenever this one message is recorded."""

        def record_unless_rejected(message: InboundMessage, **options: Any) -> WebhookEvent:
            if message.subject_sid == subject_sid:
                raise error
            return self.record(message, **options)

        self.patch.setattr(receive, "record", record_unless_rejected)


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    """Return a switch; the drainer thread is disabled, and each test drains the spool itself."""
    monkeypatch.setattr(receive.drainer, "wake", lambda: None)
    monkeypatch.setattr(connection, "close", lambda: None)
    return Database(monkeypatch)


def test_a_webhook_received_during_an_outage_is_answered_200_and_recorded_later(
    database: Database,
) -> None:
    database.stop()
    answer = send(mms(2))
    assert (answer.status_code, spool.depth()) == (200, 1)
    assert not WebhookEvent.objects.exists()
    database.start()
    assert receive.drain_spool() == 1
    assert (MediaItem.objects.count(), spool.depth()) == (2, 0)


def test_received_at_is_the_time_of_receipt_and_not_of_draining(database: Database) -> None:
    database.stop()
    before = datetime.now(UTC)
    send(mms())
    after = datetime.now(UTC)
    database.start()
    receive.drain_spool()
    assert before <= WebhookEvent.objects.get().received_at <= after


def test_the_spool_is_drained_in_order_of_arrival(database: Database) -> None:
    database.stop()
    sent = [payloads.sms(account_sid=make.ACCOUNT) for _ in range(5)]
    for webhook in sent:
        send(webhook)
    database.start()
    receive.drain_spool()
    recorded = WebhookEvent.objects.order_by("pk").values_list("subject_sid", flat=True)
    assert list(recorded) == [webhook["MessageSid"] for webhook in sent]


def test_the_same_webhook_is_spooled_once_however_often_it_is_sent(database: Database) -> None:
    webhook = mms()
    database.stop()
    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(lambda _: send(webhook).status_code, range(100)))
    assert (statuses, spool.depth()) == ({200}, 1)
    database.start()
    assert receive.drain_spool() == 1
    assert WebhookEvent.objects.get().repeats == 0


def test_a_repeat_with_different_parameters_is_spooled_separately(database: Database) -> None:
    webhook = mms()
    database.stop()
    send(webhook)
    send(webhook.fallback("11200", "https://m.example/"))
    database.start()
    assert receive.drain_spool() == 2
    assert WebhookEvent.objects.get().repeats == 1


def test_a_webhook_is_set_aside_once_however_often_it_is_sent(
    database: Database, settings: Settings
) -> None:
    webhook = mms()
    for _ in range(3):
        database.stop()
        send(webhook)
        database.reject(webhook["MessageSid"], ZeroDivisionError())
        assert receive.drain_spool() == 1
        send(webhook)
    assert (spool.depth(), len(spool.refused())) == (0, 1)


def test_a_forged_webhook_never_reaches_the_spool(database: Database) -> None:
    database.stop()
    assert send(mms(), signature="wrong").status_code == 403
    assert spool.depth() == 0


def test_the_signature_is_checked_again_when_the_spool_is_drained(
    database: Database, settings: Settings
) -> None:
    database.stop()
    send(mms())
    database.start()
    settings.TWILIO_AUTH_TOKEN = "another"
    receive.drain_spool()
    assert not WebhookEvent.objects.exists()
    assert Rejection.total() == 1
    assert len(list(Path(settings.SPOOL_DIR, "refused").iterdir())) == 1


def test_the_spool_is_left_unchanged_while_the_database_is_still_unavailable(
    database: Database,
) -> None:
    database.stop()
    send(mms())
    with pytest.raises(DatabaseUnavailable):
        receive.drain_spool()
    assert spool.depth() == 1


BUGS = [ProgrammingError("syntax error"), IntegrityError("NOT NULL"), ZeroDivisionError()]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: type(bug).__name__)
def test_a_webhook_that_triggers_a_bug_is_set_aside_and_answered_200(
    database: Database, bug: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    webhook = mms()
    database.reject(webhook["MessageSid"], bug)
    assert send(webhook).status_code == 200
    assert (spool.depth(), len(spool.refused())) == (0, 1)
    assert f"could not be recorded: {type(bug).__name__}" in caplog.text


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: type(bug).__name__)
def test_a_spooled_webhook_that_triggers_a_bug_does_not_block_the_next(
    database: Database, bug: Exception
) -> None:
    first, second = mms(), mms()
    database.stop()
    send(first)
    send(second)
    database.reject(first["MessageSid"], bug)
    assert receive.drain_spool() == 2
    assert WebhookEvent.objects.get().subject_sid == second["MessageSid"]
    assert (spool.depth(), len(spool.refused())) == (0, 1)


def test_a_webhook_that_was_set_aside_is_recorded_once_the_bug_is_fixed(database: Database) -> None:
    webhook = mms()
    database.reject(webhook["MessageSid"], ZeroDivisionError())
    send(webhook)
    database.start()
    output = StringIO()
    call_command("replay_spool", "--refused", stdout=output)
    assert WebhookEvent.objects.get().subject_sid == webhook["MessageSid"]
    assert output.getvalue() == "1 webhook recorded, 0 set aside, 0 waiting.\n"
    assert not spool.refused()


def test_a_set_aside_file_deleted_meanwhile_does_not_block_restoring_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = mms()
    database.reject(webhook["MessageSid"], ZeroDivisionError())
    send(webhook)
    (kept,) = spool.refused()
    erased = kept.with_name(kept.name.replace("0", "1"))
    monkeypatch.setattr(spool, "refused", lambda: [erased, kept])
    assert spool.restore_refused() == 1
    assert spool.depth() == 1


def test_the_spool_limit_also_applies_to_webhooks_that_are_set_aside(
    database: Database, settings: Settings
) -> None:
    settings.SPOOL_MAX_FILES = 1
    statuses = []
    for webhook in (mms(), mms()):
        database.reject(webhook["MessageSid"], ZeroDivisionError())
        statuses.append(send(webhook).status_code)
    assert statuses == [200, 503]


def test_an_error_after_the_event_is_durable_is_logged_and_answered_200(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: str) -> bool:
        raise OperationalError

    monkeypatch.setattr(limits.account_quota, "allows", fail)
    assert send(mms()).status_code == 200
    assert (WebhookEvent.objects.count(), spool.depth()) == (1, 0)
    assert "was not published" in caplog.text


@pytest.mark.parametrize("moment", ["drain_spool", "DRAIN_EVERY_S"])
def test_the_drainer_survives_an_error_and_is_replaced_if_it_dies(
    monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    spool.put(ARRIVED)
    drained = threading.Event()

    def drain_once_more() -> int:
        for path in spool.waiting():
            path.unlink()
        drained.set()
        return 1

    def fail() -> int:
        monkeypatch.setattr(receive, "drain_spool", drain_once_more)
        raise ZeroDivisionError

    monkeypatch.setattr(receive, "drain_spool", fail)
    # Waiting for a string raises TypeError, which ends the thread.
    monkeypatch.setattr(receive, "DRAIN_EVERY_S", 0.01 if moment == "drain_spool" else "never")
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    drainer = receive.SpoolDrainer()
    deadline = time.monotonic() + 60
    while not drained.wait(0.05):
        assert time.monotonic() < deadline, "the spool was not drained"
        drainer.wake()
    # After the test, its error would be reported, and it would look into the real spool.
    drainer._thread.join(60)


def test_a_webhook_is_answered_503_if_the_spool_is_full(
    database: Database, settings: Settings
) -> None:
    settings.SPOOL_MAX_FILES = 1
    database.stop()
    assert [send(mms()).status_code for _ in range(2)] == [200, 503]


def test_a_webhook_is_answered_503_if_the_spool_cannot_be_written(
    database: Database, settings: Settings
) -> None:
    Path(settings.SPOOL_DIR).write_text("a file where the folder should be")
    database.stop()
    assert send(mms()).status_code == 503
