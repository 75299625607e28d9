"""The broker dies under a worker that holds a waiting message.

Celery 5.7.0 itself exits with status 1 here; queueing/celery_consumer.py prevents it.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from typing import Unpack

import pytest
from kombu import Connection

from mediapipe.celery import app
from mediapipe.queueing.celery_consumer import RECONNECT_INTERVAL_S, Consumer
from mediapipe.simulator import faults, payloads
from mediapipe.simulator.script import MediaOptions, MediaScript
from tests.support.servers import free_port
from tests.support.service import Service, running

pytestmark = pytest.mark.services

MAKE_DUE_FOR_SWEEP = (
    "from django.utils.timezone import now; from mediapipe.models import MediaItem; "
    "MediaItem.objects.exclude(sweep_at=None).update(sweep_at=now())"
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run the service on the embedded broker."""
    with running(tmp_path_factory.mktemp("data"), REDISPATCH_INTERVAL="1") as service:
        yield service


def restart_broker(service: Service) -> None:
    """Kill the Valkey server itself without warning, and start its program again."""
    program = service.supervisor.running["broker"]
    children = subprocess.run(
        ["pgrep", "-P", str(program.pid)],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    for pid in children.stdout.split():
        subprocess.run(["kill", f"-{signal.SIGKILL}", pid], check=True)  # noqa: S607
    program.wait(timeout=30)
    service.supervisor.start("broker")


def announce(service: Service, **options: Unpack[MediaOptions]) -> MediaScript:
    webhook = payloads.mms(1, **options)
    assert service.twilio.send(webhook) == 200
    (script,) = webhook.media
    return script


def make_items_due_for_sweep(service: Service) -> None:
    """Make all items due for the sweep now instead of a minute after publication."""
    service.manage("shell", "--verbosity=0", "--command", MAKE_DUE_FOR_SWEEP)


def status_of(service: Service, script: MediaScript) -> str:
    """Return the final status of a media item."""
    lines = service.wait_until_settled(1)
    return next(str(line["status"]) for line in lines if line["media_sid"] == script.sid)


def test_a_worker_that_holds_a_countdown_survives_a_broker_restart(service: Service) -> None:
    script = announce(service, delay_s=4)
    service.twilio.log.wait_for(script.sid, 2, timeout_s=30)
    worker = service.supervisor.running["worker"]
    restart_broker(service)
    make_items_due_for_sweep(service)
    assert status_of(service, script) == "stored"
    assert worker.poll() is None


def test_a_worker_in_the_middle_of_a_download_survives_a_broker_restart(service: Service) -> None:
    script = announce(service, faults=[faults.Hang(5, at="cdn")])
    service.twilio.log.wait_for(script.sid, 2, timeout_s=30)
    worker = service.supervisor.running["worker"]
    restart_broker(service)
    assert status_of(service, script) == "stored"
    assert worker.poll() is None


class StopWaiting(Exception):
    """Ends an endless wait."""


def test_a_worker_tries_to_reconnect_at_a_constant_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []

    def sleep(duration_s: float) -> None:
        slept.append(duration_s)
        if sum(slept) >= 60:
            raise StopWaiting

    monkeypatch.setattr("kombu.utils.functional.sleep", sleep)
    consumer = Consumer.__new__(Consumer)
    consumer.app, consumer.first_connection_attempt = app, False
    consumer.broker_connection_retry_attempt = 0
    with pytest.raises(StopWaiting):
        consumer.ensure_connected(Connection(f"amqp://127.0.0.1:{free_port()}//"))
    assert consumer.broker_connection_retry_attempt == 60 / RECONNECT_INTERVAL_S
