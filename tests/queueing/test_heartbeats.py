"""Beat and workers say in the database that they live."""

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
def test_a_beat_is_one_statement_in_whose_middle_nobody_can_freeze(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for seen_at in (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)):
        with time_machine.travel(seen_at, tick=False), django_assert_num_queries(1):
            Heartbeat.note("sweep")
        assert Heartbeat.objects.get().seen_at == seen_at


def test_a_pulse_writes_what_it_feels_and_survives_a_database_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noted: list[str] = []

    def note(part: str) -> None:
        noted.append(part)
        if len(noted) == 1:
            raise DatabaseError

    monkeypatch.setattr("mediapipe.queueing.heartbeat.HEARTBEAT_INTERVAL_S", 0.01)
    monkeypatch.setattr(Heartbeat, "note", note)
    pulse = HeartbeatWriter("beat")
    pulse.beat()
    wait_until(lambda: len(noted) == 1)
    pulse.beat()
    wait_until(lambda: len(noted) == 2)
    assert noted == ["beat", "beat"]


def test_a_pulse_touches_a_file_too_while_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> None:
    noted: list[str] = []

    def note(part: str) -> None:
        noted.append(part)
        raise DatabaseError

    settings.HEARTBEAT_FILE = str(tmp_path / "heartbeat")
    monkeypatch.setattr(Heartbeat, "note", note)
    HeartbeatWriter("beat").beat()
    wait_until(lambda: noted == ["beat"])
    assert (tmp_path / "heartbeat").exists()


def test_a_heartbeat_that_cannot_be_written_ends_no_pulse(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    noted: list[str] = []
    settings.HEARTBEAT_FILE = "/dev/null/heartbeat"
    monkeypatch.setattr(Heartbeat, "note", noted.append)
    HeartbeatWriter("beat").beat()
    wait_until(lambda: noted == ["beat"])


@pytest.mark.services
def test_a_running_service_is_heard_of(tmp_path: Path) -> None:
    with service.running(tmp_path) as live:
        wait_until(lambda: ready(live.url) == (1, True))


def ready(url: str) -> tuple[Any, Any]:
    with urllib.request.urlopen(f"{url}/readyz", timeout=60) as answer:  # noqa: S310
        said = json.load(answer)
    return said["workers"], said["beat"]


def wait_until(is_true: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
