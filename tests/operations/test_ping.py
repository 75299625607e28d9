"""Pings tell a monitoring service that this one is healthy, or what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import InterfaceError
from django.test import Client
from pytest_django import Settings

from mediapipe.fetching.http import session
from mediapipe.models import Counter, Heartbeat
from mediapipe.models.heartbeats import BEAT, SILENT_AFTER, SWEEP
from mediapipe.operations import ping as pings
from mediapipe.settings.beat_schedule import PING_EVERY_S, beat_schedule
from tasks.ping import ping
from tests.support.metrics import families, values
from tests.support.receivers import FakeServer, web_server

pytestmark = pytest.mark.django_db

RUN_ID = "123e4567-e89b-12d3-a456-426614174000"


@pytest.fixture(autouse=True)
def healthy(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Make every component healthy, and forget failed reports of earlier tests."""
    monkeypatch.setattr("mediapipe.operations.components.broker_error", lambda: None)
    for part in (BEAT, SWEEP, "worker celery@here"):
        Heartbeat.record(part)
    pings._outage_logged.clear()
    yield
    session.close_session()


@pytest.fixture
def receiver(settings: Settings) -> Iterator[FakeServer]:
    with web_server() as server:
        settings.PING_URL = server.url
        yield server


def signals(receiver: FakeServer) -> list[str]:
    """Return the paths that were requested; their run ids must all be the same and are left out."""
    targets = [
        re.fullmatch(r"/hooks/s3cret(\S*)[?]rid=(\S{36})", one.target) for one in receiver.requests
    ]
    assert len({found and found[2] for found in targets}) == 1
    return [found[1] for found in targets if found]


def results(client: Client) -> dict[str, float]:
    return values(families(client)["mediapipe_pings"])


def test_a_healthy_service_sends_start_and_success(receiver: FakeServer) -> None:
    ping()
    assert signals(receiver) == ["/start", ""]


def test_a_service_without_workers_sends_fail_and_the_reason(receiver: FakeServer) -> None:
    Heartbeat.objects.workers().delete()
    ping()
    assert signals(receiver) == ["/start", "/fail"]
    assert (
        receiver.requests[-1].body.decode().startswith("workers: never seen. Nothing is fetched.")
    )


def test_a_service_with_no_worker_for_one_queue_sends_fail(receiver: FakeServer) -> None:
    Heartbeat.objects.workers().update(part="worker housekeeping@here")
    ping()
    assert signals(receiver) == ["/start", "/fail"]


def test_a_service_without_a_running_dispatcher_sends_fail(receiver: FakeServer) -> None:
    Heartbeat.objects.filter(part=SWEEP).delete()
    ping()
    assert signals(receiver) == ["/start", "/fail"]


def test_a_service_whose_storage_fails_sends_fail_and_the_reason(
    receiver: FakeServer, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    settings.MEDIA_ROOT = str(tmp_path / "file" / "media")
    ping()
    assert signals(receiver) == ["/start", "/fail"]
    assert receiver.requests[-1].body == b"The storage failed: NotADirectoryError: Not a directory."


def test_a_service_without_a_database_sends_fail_and_the_reason(
    receiver: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise InterfaceError("connection already closed")

    monkeypatch.setattr(pings, "processes", fail)
    monkeypatch.setattr(Counter, "add", fail)
    ping()
    assert signals(receiver) == ["/start", "/fail"]
    assert receiver.requests[-1].body == b"The database is unavailable."


def test_the_query_of_the_ping_url_is_kept() -> None:
    url = pings.signal_url("https://hc.example/key/slug/?create=1", pings.FAIL, RUN_ID)
    assert url == f"https://hc.example/key/slug/fail?create=1&rid={RUN_ID}"


def test_a_receiver_that_rejects_start_still_receives_success(
    settings: Settings, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with web_server(404, 200) as receiver:
        settings.PING_URL = receiver.url
        ping()
    assert signals(receiver) == ["/start", ""]
    assert results(client)["success"] == 1
    assert not caplog.records


def test_an_outage_of_the_receiver_is_logged_once_without_the_url(
    settings: Settings, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with web_server(500, 500, 500, 500, 200) as receiver:
        settings.PING_URL = receiver.url
        for _ in range(3):
            ping()
    (warning, info) = caplog.messages
    assert re.fullmatch(r"cannot report to PING_URL: 127\.0\.0\.1:\d+: 500 said so", warning)
    assert info == "PING_URL accepts reports again"
    assert (results(client)["undelivered"], results(client)["success"]) == (2, 1)


def test_no_report_is_sent_while_another_one_is_running(receiver: FakeServer) -> None:
    with pings._running:
        ping()
    assert receiver.requests == []


def test_a_silent_component_is_reported_in_less_than_a_minute() -> None:
    assert PING_EVERY_S + SILENT_AFTER.total_seconds() < 60


def test_reports_are_scheduled_only_with_a_url() -> None:
    assert "ping" not in beat_schedule(5, 0, has_ping=False, has_public_url=False)
    assert (
        beat_schedule(5, 0, has_ping=True, has_public_url=False)["ping"]["schedule"] == PING_EVERY_S
    )
