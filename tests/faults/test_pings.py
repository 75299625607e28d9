"""Whatever is stopped, the reports to PING_URL end or report a failure within a minute."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator

import pytest

from mediapipe.operations import programs
from mediapipe.settings.beat_schedule import PING_EVERY_S
from tests.faults.proxy import Proxy
from tests.faults.world import PORTS
from tests.support import servers
from tests.support.receivers import FakeServer, web_server
from tests.support.service import LONG_S, Service, running

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def receiver() -> Iterator[FakeServer]:
    with web_server() as server:
        yield server


@pytest.fixture(scope="module")
def database() -> Iterator[Proxy]:
    with Proxy(PORTS["database"]) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def sentry() -> Iterator[FakeServer]:
    with web_server() as server:
        yield server


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory,
    receiver: FakeServer,
    database: Proxy,
    sentry: FakeServer,
) -> Iterator[Service]:
    """Run a worker for each queue, the embedded broker, and PostgreSQL behind a proxy."""
    folder = tmp_path_factory.mktemp("data")
    with servers.postgresql() as url:
        there = url.replace(f":{PORTS['database']}", f":{database.port}")
        dsn = sentry.url.replace("//", "//key@").replace("/hooks/s3cret", "/1")
        env = {"DATABASE_URL": there, "PING_URL": receiver.url, "SENTRY_DSN": dsn}
        with running(folder, programs.workers(), **env) as service:
            yield service


@pytest.fixture(autouse=True)
def healthy(service: Service, receiver: FakeServer, database: Proxy) -> Iterator[None]:
    """Wait until the service reports success, and undo the test's fault even if it fails."""
    wait_for(receiver, "", LONG_S)
    yield
    database.switch("pass")
    for name, process in service.supervisor.running.items():
        if process.poll() is not None:
            service.supervisor.start(name)


def wait_for(receiver: FakeServer, signal: str, timeout_s: float) -> str:
    """Wait for the next report of this kind, and return its text."""
    receiver.requests.clear()
    deadline = time.monotonic() + timeout_s
    path = "/hooks/s3cret" + signal
    while not (found := [one for one in receiver.requests if one.target.split("?")[0] == path]):
        assert time.monotonic() < deadline, f"no {signal or 'success'}: {receiver.requests}"
        time.sleep(0.1)
    return found[0].body.decode()


def assert_silent(receiver: FakeServer) -> None:
    """Assert that no report arrives in the last PING_EVERY_S seconds of a minute."""
    time.sleep(60 - PING_EVERY_S)
    before = len(receiver.requests)
    time.sleep(PING_EVERY_S)
    assert receiver.requests[before:] == []


def test_sentry_receives_the_start_and_the_end_of_a_periodic_task(sentry: FakeServer) -> None:
    deadline = time.monotonic() + LONG_S
    # Beat reports the start, and a worker the end.
    while not {"in_progress", "ok"} <= set(check_ins(sentry)):
        assert time.monotonic() < deadline, sentry.requests
        time.sleep(0.1)


def check_ins(sentry: FakeServer) -> list[str]:
    """Return the reported statuses of the periodic task check_escalation."""
    bodies = [
        gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        for _, headers, body in sentry.requests
    ]
    lines = [json.loads(line) for body in bodies for line in body.splitlines() if line]
    return [line["status"] for line in lines if line.get("monitor_slug") == "check_escalation"]


@pytest.mark.parametrize("name", ["beat", "worker-housekeeping", "broker"])
def test_no_report_is_sent_while_beat_housekeeping_or_the_broker_is_stopped(
    service: Service, receiver: FakeServer, name: str
) -> None:
    process = service.supervisor.running[name]
    process.terminate()
    process.wait(LONG_S)
    assert_silent(receiver)


def test_a_failure_is_reported_if_a_queue_has_no_worker(
    service: Service, receiver: FakeServer
) -> None:
    process = service.supervisor.running["worker-media"]
    process.kill()
    process.wait()
    assert "none for “media”" in wait_for(receiver, "/fail", 60)


def test_a_failure_is_reported_if_the_database_is_unavailable(
    receiver: FakeServer, database: Proxy
) -> None:
    database.switch("refuse")
    assert wait_for(receiver, "/fail", 60) == "The database is unavailable."
