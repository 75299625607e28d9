"""Media for the tests, brought into the state in which a person finds it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from mediapipe.simulator import payloads
from mediapipe.simulator.faults import Status
from mediapipe.simulator.payloads import Webhook
from tests.support.service import Service

GONE = Status(410)


def failed(service: Service, pictures: int = 1) -> Webhook:
    """Send pictures that Twilio refuses with 410 once, but serves when they are requested again."""
    return send_and_wait(service, payloads.mms(pictures, faults=[GONE]), "failed")


def late(service: Service, by_s: float = 0.5) -> Webhook:
    """Send a picture whose first request gets a 404, and wait until it is stored."""
    return send_and_wait(service, payloads.mms(1, delay_s=by_s), "stored")


def recording(service: Service) -> Webhook:
    """Send a call recording of five seconds, and wait until it is stored."""
    return send_and_wait(service, payloads.recording_status(size=5 * 16_000 + 44), "stored")


def send_and_wait(service: Service, webhook: Webhook, status: str) -> Webhook:
    """Send a webhook, and return it once all its media have this status."""
    assert service.twilio.send(webhook) == 200
    wait_for_status(service, webhook, status)
    return webhook


def wait_for_status(service: Service, webhook: Webhook, status: str) -> None:
    """Wait until all media of a webhook have this status; fail after 60 seconds."""
    sids = [script.sid for script in webhook.media]
    deadline = time.monotonic() + 60
    while (found := statuses(service, sids)) != [status] * len(sids):
        assert time.monotonic() < deadline, f"{sids} are {found}"
        time.sleep(0.2)


def statuses(service: Service, sids: list[str]) -> list[str]:
    """Read from the service's database the status of each of these media that it knows."""
    file = Path(service.env["DATA_DIR"]) / "mediapipe.sqlite3"
    marks = ",".join("?" * len(sids))
    query = f"SELECT status FROM mediapipe_mediaitem WHERE media_sid IN ({marks})"  # noqa: S608
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return [status for (status,) in database.execute(query, sids)]
