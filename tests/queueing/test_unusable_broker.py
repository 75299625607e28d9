"""A Redis that becomes a read-only replica while workers run, as in a failover, and recovers."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from mediapipe.simulator import payloads
from tests.support.servers import own_redis, url_of
from tests.support.service import running, wait_for_line

pytestmark = pytest.mark.services


def test_the_worker_waits_for_an_unusable_broker_and_logs_the_reason_once(tmp_path: Path) -> None:
    with (
        own_redis() as client,
        running(tmp_path, CELERY_BROKER_URL=url_of(client), REDISPATCH_INTERVAL="1") as service,
    ):
        client.replicaof("127.0.0.1", 1)
        assert service.twilio.send(payloads.mms(1)) == 200
        log = tmp_path / "logs" / "worker.log"
        wait_for_line(log, "the broker is a read-only Redis replica. Set CELERY_BROKER_URL")
        with urllib.request.urlopen(f"{service.url}/readyz") as response:  # noqa: S310
            report = json.load(response)
        assert report["broker"] is False
        assert report["broker_problem"].startswith("The broker is a read-only Redis replica. Set")
        client.replicaof("NO", "ONE")
        (line,) = service.wait_until_settled(1)
        assert line["status"] == "stored"
        assert service.supervisor.running["worker"].poll() is None
        assert log.read_text().count("the broker is a read-only") == 1
