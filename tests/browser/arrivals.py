"""Media that arrived for the tests, in the state in which a person is to find it."""

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
    """Send pictures that Twilio says are gone, but has when they are asked for again."""
    return arrived(service, payloads.mms(pictures, faults=[GONE]), "failed")


def late(service: Service, by_s: float = 0.5) -> Webhook:
    """Send a picture whose first request is answered 404."""
    return arrived(service, payloads.mms(1, delay_s=by_s), "stored")


def recording(service: Service) -> Webhook:
    """Send a call recording of five seconds."""
    return arrived(service, payloads.recording_status(size=5 * 16_000 + 44), "stored")


def arrived(service: Service, webhook: Webhook, status: str) -> Webhook:
    """Send a webhook, and return it once all of its media have this status."""
    assert service.twilio.send(webhook) == 200
    become(service, webhook, status)
    return webhook


def become(service: Service, webhook: Webhook, status: str) -> None:
    """Return once all media of a webhook have this status."""
    sids = [script.sid for script in webhook.media]
    deadline = time.monotonic() + 60
    while (found := statuses(service, sids)) != [status] * len(sids):
        assert time.monotonic() < deadline, f"{sids} are {found}"
        time.sleep(0.2)


def statuses(service: Service, sids: list[str]) -> list[str]:
    """Return the status of each of these media that the service knows, from its database."""
    file = Path(service.env["DATA_DIR"]) / "mediapipe.sqlite3"
    marks = ",".join("?" * len(sids))
    query = f"SELECT status FROM mediapipe_mediaitem WHERE media_sid IN ({marks})"  # noqa: S608
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return [status for (status,) in database.execute(query, sids)]
