from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from mediapipe import configuration, rejections
from mediapipe.logs import JsonFormatter
from mediapipe.models import Rejection
from mediapipe.simulator import Simulator, faults, payloads
from mediapipe.simulator.webhooks import Method
from tasks.fetch_media import fetch_media
from tests import make
from tests.test_fetch import picture
from tests.test_webhooks import send

TEXT = configuration.logging("text", "INFO")["formatters"]["text"]["format"]
# All of it would show in a log: the caller's number, the text, the token, parts of a signed link.
PHONE, BODY = "5550000002", "a+text+that+nobody+else+should+read"
SECRETS = [make.TOKEN, PHONE, BODY, BODY.replace("+", " "), "Signature=", "Key-Pair-Id"]


class Formatted(logging.Handler):
    """Keeps what a formatter makes of each record, at the time at which it is made."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture(params=["json", "text"])
def log(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Formatted]:
    """Log everything, down to what the libraries say when they are debugged."""
    # What an earlier test was refused must not keep this one quiet.
    monkeypatch.setattr(rejections, "_logged_at", {})
    formatter = JsonFormatter() if request.param == "json" else logging.Formatter(TEXT)
    handler, root = Formatted(formatter), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(level)
    root.removeHandler(handler)


def record(**extra: object) -> logging.LogRecord:
    values = {"name": "mediapipe.fetch", "levelname": "INFO", "msg": "done %d", "args": (3,)}
    return logging.makeLogRecord(values | extra)


def as_json(made: logging.LogRecord) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(JsonFormatter().format(made))
    return line


def test_a_line_for_machines_is_json_with_its_ids() -> None:
    line = as_json(record(media_id=7, event_id=2))
    assert (line["message"], line["media_id"], line["event_id"]) == ("done 3", 7, 2)
    assert (line["logger"], line["level"]) == ("mediapipe.fetch", "INFO")
    assert line["time"].endswith("+00:00")


def test_a_line_for_people_says_when_how_bad_where_and_what() -> None:
    line = logging.Formatter(TEXT).format(record(media_id=7))
    assert line.endswith(" INFO mediapipe.fetch: done 3")


def test_an_exception_is_in_the_line() -> None:
    try:
        raise ZeroDivisionError
    except ZeroDivisionError as error:
        made = record(exc_info=(type(error), error, error.__traceback__))
    assert "ZeroDivisionError" in as_json(made)["exception"]


def test_what_json_does_not_know_is_written_as_text() -> None:
    assert as_json(record(path=JsonFormatter))["path"]


def test_a_line_break_in_a_message_makes_no_second_line() -> None:
    assert "\n" not in JsonFormatter().format(record(msg="one\ntwo", args=()))


def test_outside_of_a_task_no_task_is_named() -> None:
    assert "task_id" not in as_json(record())


@pytest.mark.django_db
@pytest.mark.parametrize("log", ["json"], indirect=True)
def test_a_fetch_names_its_task_media_and_event(twilio: Simulator, log: Formatted) -> None:
    item = picture(twilio)
    result = fetch_media.apply(kwargs={"media_id": item.pk})
    (line,) = [line for line in log.objects() if line["logger"] == "mediapipe.fetch"]
    assert (line["media_id"], line["event_id"]) == (item.pk, item.event_id)
    assert (line["task_id"], line["outcome"]) == (result.id, "stored")


@pytest.mark.django_db
@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_no_secret_and_nothing_personal_of_a_webhook_is_logged(
    log: Formatted, method: Method
) -> None:
    webhook = payloads.mms(1, account_sid=make.ACCOUNT).changed(Body=BODY.replace("+", " "))
    assert send(webhook, method=method).status_code == 200
    assert send(webhook, method=method, signature="wrong").status_code == 403
    assert send(webhook.changed(MessageSid="x"), method=method).status_code == 400
    assert "refused a webhook" in "".join(log.lines)
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
def test_a_flood_of_forged_webhooks_is_one_line_and_one_row(
    log: Formatted,
) -> None:
    webhook = payloads.mms(1, account_sid=make.ACCOUNT)
    for _ in range(200):
        assert send(webhook, signature="wrong").status_code == 403
    written = [line for line in log.lines if "WARNING" in line or "ERROR" in line]
    assert len(written) == 1
    assert [row.count for row in Rejection.objects.all()] == [200]
