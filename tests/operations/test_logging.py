from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from mediapipe import logs
from mediapipe.celery import app
from mediapipe.logs import JsonFormatter, TextFormatter
from mediapipe.models import Rejection
from mediapipe.simulator import Simulator, faults, payloads
from mediapipe.simulator.webhooks import Method
from mediapipe.webhooks import rejections
from tasks.fetch_media import fetch_media
from tests.support import make, service
from tests.support.fetching import picture
from tests.support.webhooks import send

# None of these may appear in a log: the caller's number, the text, the token, a signed link.
PHONE, BODY = "5550000002", "a+text+that+nobody+else+should+read"
SECRETS = [make.TOKEN, PHONE, BODY, BODY.replace("+", " "), "Signature=", "Key-Pair-Id"]


class Formatted(logging.Handler):
    """Keeps the line that a formatter makes of each record, formatted when the record is logged."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture(params=["json", "text"])
def log(request: pytest.FixtureRequest) -> Iterator[Formatted]:
    """Log everything, including the debug messages of libraries."""
    formatter = JsonFormatter() if request.param == "json" else TextFormatter()
    handler, root = Formatted(formatter), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(level)
    root.removeHandler(handler)


def record(**extra: object) -> logging.LogRecord:
    values = {
        "name": "mediapipe.fetching.attempt",
        "levelname": "INFO",
        "msg": "done %d",
        "args": (3,),
    }
    return logging.makeLogRecord(values | extra)


def as_json(made: logging.LogRecord) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(JsonFormatter().format(made))
    return line


def test_a_json_line_contains_message_ids_logger_level_and_utc_time() -> None:
    line = as_json(record(media_id=7, event_id=2))
    assert (line["message"], line["media_id"], line["event_id"]) == ("done 3", 7, 2)
    assert (line["logger"], line["level"]) == ("mediapipe.fetching.attempt", "INFO")
    assert line["time"].endswith("+00:00")


def test_a_text_line_contains_level_logger_and_message() -> None:
    line = TextFormatter().format(record(media_id=7))
    assert line.endswith(" INFO mediapipe.fetching.attempt: done 3")


def test_a_json_line_contains_the_exception() -> None:
    try:
        raise ZeroDivisionError
    except ZeroDivisionError as error:
        made = record(exc_info=(type(error), error, error.__traceback__))
    assert "ZeroDivisionError" in as_json(made)["exception"]


def test_a_value_that_json_cannot_represent_is_logged_as_text() -> None:
    assert as_json(record(path=JsonFormatter))["path"]


def test_a_message_with_a_line_break_is_logged_in_one_json_line() -> None:
    assert "\n" not in JsonFormatter().format(record(msg="one\ntwo", args=()))


def test_a_line_logged_outside_a_task_has_no_task_id() -> None:
    assert "task_id" not in as_json(record())


@pytest.mark.django_db
@pytest.mark.parametrize("log", ["json"], indirect=True)
def test_a_fetch_is_logged_with_the_ids_of_its_task_media_and_event(
    twilio: Simulator, log: Formatted
) -> None:
    item = picture(twilio)
    result = fetch_media.apply(kwargs={"media_id": item.pk})
    (line,) = [line for line in log.objects() if line["logger"] == "mediapipe.fetching.attempt"]
    assert (line["media_id"], line["event_id"]) == (item.pk, item.event_id)
    assert (line["task_id"], line["outcome"]) == (result.id, "stored")


@pytest.mark.django_db
@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_no_secrets_or_personal_data_of_a_webhook_are_logged(
    log: Formatted, method: Method
) -> None:
    webhook = payloads.mms(1, account_sid=make.ACCOUNT).changed(Body=BODY.replace("+", " "))
    assert send(webhook, method=method).status_code == 200
    assert send(webhook, method=method, signature="wrong").status_code == 403
    assert send(webhook.changed(MessageSid="x"), method=method).status_code == 400
    assert "rejected a webhook" in "".join(log.lines)
    for secret in SECRETS:
        assert secret not in "".join(log.lines)


@pytest.mark.django_db
def test_no_secret_of_a_fetch_is_logged(twilio: Simulator, log: Formatted) -> None:
    for fault in (
        [],
        [faults.Status(401)],
        [faults.RedirectTo("https://evil.example/?a=5550000002")],
    ):
        fetch_media.apply(kwargs={"media_id": picture(twilio, faults=fault).pk})
    assert "unauthorized" in "".join(log.lines)
    for secret in SECRETS:
        assert secret not in "".join(log.lines)


@pytest.mark.django_db
@pytest.mark.usefixtures("published")
def test_a_flood_of_forged_webhooks_is_recorded_in_one_line_and_one_row(
    log: Formatted, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A slow machine may need longer for 200 than one line covers, and a row covers one hour.
    monkeypatch.setattr(rejections, "LOG_EVERY_S", 3600.0)
    webhook = payloads.mms(1, account_sid=make.ACCOUNT)
    with time_machine.travel(timezone.now(), tick=False):
        for _ in range(200):
            assert send(webhook, signature="wrong").status_code == 403
    written = [line for line in log.lines if "WARNING" in line or "ERROR" in line]
    assert len(written) == 1
    assert [row.count for row in Rejection.objects.all()] == [200]


@pytest.mark.django_db
def test_a_flood_of_requests_to_wrong_addresses_writes_no_line(
    client: Client, log: Formatted
) -> None:
    for path in ("/nothing", "/webhooks/twilio/nothing/"):
        assert client.get(path).status_code == 404
    assert client.put("/webhooks/twilio/messaging/").status_code == 405
    assert not [line for line in log.lines if "WARNING" in line or "ERROR" in line]


def test_bound_ids_are_added_to_every_line_in_their_context() -> None:
    with logs.about(request_id="abc"):
        logs.bind(media_id=7)
        assert TextFormatter().format(record()).endswith(": done 3 [request_id=abc media_id=7]")
        assert (as_json(record())["request_id"], as_json(record())["media_id"]) == ("abc", 7)
    assert "[" not in TextFormatter().format(record())


@pytest.mark.django_db
@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("log", ["json"], indirect=True)
def test_a_response_contains_the_request_id_that_is_logged(log: Formatted) -> None:
    answer = send(payloads.mms(1, account_sid=make.ACCOUNT), signature="wrong")
    (line,) = [line for line in log.objects() if line["message"].startswith("rejected")]
    assert line["request_id"] == answer["X-Request-ID"]
    assert len(answer["X-Request-ID"]) == 32


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "taken"), [("proxy-0123456789", True), ("x\ny", False), ("short", False)]
)
def test_a_request_id_from_a_proxy_is_used_only_if_it_is_valid(
    client: Client, given: str, taken: bool
) -> None:
    answer = client.get("/healthz", headers={"X-Request-ID": given})
    assert (answer["X-Request-ID"] == given) is taken


def test_the_request_id_is_sent_with_the_message_of_a_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CELERY_BROKER_WRITE_URL", "memory://")
    with app.connection_for_write() as connection:
        queue: Any = connection.SimpleQueue("ids")
        with logs.about(request_id="abc"):
            # Celery's own producers would still use the broker of an earlier test.
            producer = connection.Producer()
            fetch_media.apply_async(kwargs={"media_id": 1}, queue="ids", producer=producer)
        assert queue.get(block=False).headers[logs.HEADER] == "abc"


@pytest.mark.services
def test_the_request_id_of_a_webhook_reaches_the_worker_and_its_retries(tmp_path: Path) -> None:
    with service.running(tmp_path, LOG_FORMAT="json") as live:
        webhook = payloads.mms(1, delay_s=3600)
        (media,) = webhook.media
        live.twilio.send(webhook)
        # A request is logged before it has its response; the second one shows that it was a 404.
        live.twilio.log.wait_for(media.sid, 2, timeout_s=60)
        media.delay_s = 0
        live.wait_until_settled(1)
    log_lines = (tmp_path / "logs/worker.log").read_text().splitlines()
    # Celery warns root before logging is set up; skip those lines.
    lines = [json.loads(line) for line in log_lines if line.startswith("{")]
    fetches = [line for line in lines if line["logger"] == "mediapipe.fetching.attempt"]
    assert len(fetches) > 1
    assert len({line["request_id"] for line in fetches}) == 1
    assert all(line["media_id"] and line["event_id"] and line["task_id"] for line in fetches)
    web = (tmp_path / "logs/web.log").read_text().splitlines()
    assert all(json.loads(line)["logger"] for line in web)
