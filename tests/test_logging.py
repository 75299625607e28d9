from __future__ import annotations

import json
import logging

import pytest

from mediapipe.logs import JsonFormatter
from mediapipe.simulator import Simulator, payloads
from tests import make
from tests.test_fetch import attempt, picture
from tests.test_webhooks import send

PHONE = "+15550000002"
BODY = "a text that nobody else should read"


def record(**extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "mediapipe.fetch", "msg": "done %d", "args": (3,)})
    vars(made).update(extra)
    return made


def test_a_line_for_machines_is_json_with_its_ids() -> None:
    line = json.loads(JsonFormatter().format(record(media_id=7, event_id=2)))
    assert (line["message"], line["media_id"], line["event_id"]) == ("done 3", 7, 2)
    assert line["time"].endswith("+00:00")


def test_an_exception_is_in_the_line() -> None:
    try:
        raise ZeroDivisionError
    except ZeroDivisionError as error:
        made = record(exc_info=(type(error), error, error.__traceback__))
    assert "ZeroDivisionError" in json.loads(JsonFormatter().format(made))["exception"]


def test_what_json_does_not_know_is_written_as_text() -> None:
    assert json.loads(JsonFormatter().format(record(path=JsonFormatter)))["path"]


@pytest.mark.django_db
@pytest.mark.usefixtures("published")
def test_no_secret_and_nothing_personal_is_ever_logged(
    twilio: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    send(payloads.mms(1, account_sid=make.ACCOUNT).changed(Body=BODY))
    send(payloads.mms(1, account_sid=make.ACCOUNT).changed(Body=BODY), signature="wrong")
    assert attempt(picture(twilio)) == "stored"
    logged = "\n".join(f"{r.getMessage()} {vars(r)}" for r in caplog.records)
    assert "stored" in logged
    for secret in (make.TOKEN, PHONE, BODY, "Signature=", "Key-Pair-Id"):
        assert secret not in logged
