"""On SQLite and the embedded broker, too, an app gets no message twice."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

import pytest

from mediapipe.simulator.webhooks import NO_ANSWER
from tests.faults import failpoints, short_timeouts
from tests.faults.gateway import BOT, DESK, forwarded_requests, sms
from tests.faults.processes import signal_children
from tests.support import service
from tests.support.apps import App, Reply, app
from tests.support.service import LONG_S, Service

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("faults of the gateway")]


@dataclass(frozen=True)
class Embedded:
    """The service, and the app behind it at two numbers."""

    service: Service
    app: App
    folder: Path

    def wait_for(self, status: str) -> None:
        """Wait until the last delivery has this status."""
        query = "SELECT status FROM mediapipe_gatewaydelivery ORDER BY id DESC LIMIT 1"
        deadline, found = time.monotonic() + LONG_S, ""
        while found != status:
            assert time.monotonic() < deadline, f"{found} instead of {status}"
            time.sleep(0.1)
            with closing(sqlite3.connect(self.folder / "mediapipe.sqlite3")) as database:
                ((found,),) = database.execute(query)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    folder = tmp_path_factory.mktemp("embedded")
    (folder / "failpoints").mkdir()
    with app() as bot:
        entries = [
            {"name": "bot", "url": bot.url, "to": [BOT]},
            {"name": "desk", "url": bot.url, "to": [DESK], "answer": "empty"},
        ]
        (folder / "gateway.json").write_text(json.dumps(entries))
        env = short_timeouts.ENVIRONMENT | {
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "FAILPOINTS": str(folder / "failpoints"),
            "GATEWAY_FILE": str(folder / "gateway.json"),
        }
        with service.running(folder, **env) as running:
            yield Embedded(running, bot, folder)


def test_a_delivery_is_unknown_and_not_repeated_if_web_is_killed_during_it(
    embedded: Embedded,
) -> None:
    web = embedded.service.supervisor.running["web"]
    embedded.app.answer = lambda got: Reply(wait=lambda: signal_children(web))
    webhook = sms(BOT)
    assert embedded.service.twilio.send(webhook) == NO_ANSWER
    embedded.app.answer = lambda got: Reply()
    embedded.wait_for("unknown")
    assert len(forwarded_requests(embedded.app, webhook)) == 1


def test_a_delivery_is_unknown_and_not_repeated_if_the_worker_dies_after_sending_it(
    embedded: Embedded,
) -> None:
    failpoints.arm(embedded.folder / "failpoints", failpoints.SENT_BUT_NOT_RECORDED, SIGKILL)
    webhook = sms(DESK)
    service.wait_until_ready(embedded.service.url)
    assert embedded.service.twilio.send(webhook) == 200
    embedded.service.supervisor.running["worker"].wait(LONG_S)
    embedded.service.supervisor.start("worker")
    embedded.wait_for("unknown")
    assert len(forwarded_requests(embedded.app, webhook)) == 1
