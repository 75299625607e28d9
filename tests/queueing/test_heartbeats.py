from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError
from pytest_django import DjangoAssertNumQueries, Settings

from mediapipe.models import Heartbeat
from mediapipe.queueing.heartbeat import HeartbeatWriter
from tests.support import service


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_a_heartbeat_is_written_in_one_statement_without_a_transaction(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for seen_at in (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)):
        with time_machine.travel(seen_at, tick=False), django_assert_num_queries(1):
            Heartbeat.record("sweep")
        assert Heartbeat.objects.get().seen_at == seen_at


def test_a_writer_survives_a_database_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[str] = []

    def record(part: str) -> None:
        written.append(part)
        if len(written) == 1:
            raise DatabaseError

    monkeypatch.setattr("mediapipe.queueing.heartbeat.HEARTBEAT_INTERVAL_S", 0.01)
    monkeypatch.setattr(Heartbeat, "record", record)
    writer = HeartbeatWriter("beat")
    writer.touch()
    wait_until(lambda: len(written) == 1)
    writer.touch()
    wait_until(lambda: len(written) == 2)
    assert written == ["beat", "beat"]


def test_the_heartbeat_file_is_touched_while_the_database_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> None:
    written: list[str] = []

    def record(part: str) -> None:
        written.append(part)
        raise DatabaseError

    settings.HEARTBEAT_FILE = str(tmp_path / "heartbeat")
    monkeypatch.setattr(Heartbeat, "record", record)
    HeartbeatWriter("beat").touch()
    wait_until(lambda: written == ["beat"])
    assert (tmp_path / "heartbeat").exists()


def test_an_unwritable_heartbeat_file_does_not_stop_the_writer(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    written: list[str] = []
    settings.HEARTBEAT_FILE = "/dev/null/heartbeat"
    monkeypatch.setattr(Heartbeat, "record", written.append)
    HeartbeatWriter("beat").touch()
    wait_until(lambda: written == ["beat"])


@pytest.mark.services
def test_a_running_service_writes_heartbeats(tmp_path: Path) -> None:
    with service.running(tmp_path) as live:
        wait_until(lambda: ready(live.url) == (1, True))


def ready(url: str) -> tuple[Any, Any]:
    with urllib.request.urlopen(f"{url}/readyz", timeout=60) as answer:  # noqa: S310
        document = json.load(answer)
    return document["workers"], document["beat"]


def wait_until(is_true: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
