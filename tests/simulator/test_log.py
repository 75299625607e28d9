import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from mediapipe.simulator import Simulator
from mediapipe.simulator.faults import Status
from mediapipe.simulator.script import ACCOUNT_SID, AUTH_TOKEN

OWN = (ACCOUNT_SID, AUTH_TOKEN)


def test_a_log_entry_has_the_time_the_request_and_the_size() -> None:
    with Simulator() as twilio:
        photo = twilio.add_message_media(size=12_345)
        before, before_s = datetime.now(UTC), time.monotonic()
        requests.get(photo.url, auth=OWN, timeout=60)
        api, cdn = twilio.log.of(photo.sid)
    assert before <= api.at <= cdn.at <= datetime.now(UTC)
    assert before_s <= api.monotonic_s <= cdn.monotonic_s <= time.monotonic()
    assert (api.origin, api.method, api.path, api.status) == ("api", "GET", photo.path, 307)
    assert (cdn.origin, cdn.status, cdn.bytes_sent) == ("cdn", 200, 12_345)
    assert (api.had_authorization, cdn.had_authorization) == (True, False)


def test_the_log_file_has_every_request_and_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    with Simulator(log_file=file) as twilio:
        call = twilio.add_recording(faults=[Status(503)])
        photo = twilio.add_message_media()
        requests.get(call.url, auth=OWN, timeout=60)
        requests.get(photo.url, auth=OWN, timeout=60)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    # A line is written after the response, when the client may have made its next request.
    lines.sort(key=lambda line: float(line["monotonic_s"]))
    assert [line["status"] for line in lines] == [503, 307, 200]
    assert [line["sid"] for line in lines] == [call.sid, photo.sid, photo.sid]
    assert lines[0]["fault"] == "Status"
    assert datetime.fromisoformat(lines[0]["at"]).tzinfo is not None
    assert AUTH_TOKEN not in file.read_text()
    assert "Signature" not in file.read_text()


def test_a_request_for_an_unknown_path_is_logged_without_a_sid() -> None:
    with Simulator() as twilio:
        requests.get(f"{twilio.api_origin}/unknown?secret=1", auth=OWN, timeout=60)
        (entry,) = twilio.log.all()
    assert (entry.sid, entry.path, entry.status) == ("", "/unknown", 404)


def test_waiting_for_a_request_that_never_arrives_times_out() -> None:
    with Simulator() as twilio, pytest.raises(TimeoutError, match="ME1 was not requested"):
        twilio.log.wait_for("ME1", timeout_s=0.01)
