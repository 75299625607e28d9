"""Each component has a summary of its state, and a remedy if it is unhealthy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from mediapipe.models import Heartbeat
from mediapipe.models.heartbeats import BEAT, KEEP_FOR, SILENT_AFTER, SWEEP
from mediapipe.operations import components as components_module
from mediapipe.operations.components import (
    Component,
    components,
    dispatcher_silent_after,
    format_age,
)
from mediapipe.settings.queues import HOUSEKEEPING, MEDIA, QUEUES
from mediapipe.webhooks import spool
from tasks.redispatch import redispatch
from tasks.sweep_files import sweep_files
from tests.support.webhooks import ARRIVED

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("broker")]

WORKER = "worker celery@here"
NOW = timedelta(0)
LONG_AGO = timedelta(minutes=9)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """Let no time pass between a heartbeat and its summary."""
    with time_machine.travel(timezone.now(), tick=False):
        yield


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the broker appear to respond."""
    monkeypatch.setattr(components_module, "broker_error", lambda: None)
    monkeypatch.setattr("mediapipe.operations.health.broker_error", lambda: None)
    monkeypatch.setattr("tasks.redispatch.queue_capacity", lambda queue: 0)


def components_seen(**ago: timedelta) -> dict[str, Component]:
    """Record when these components were last seen, as a time before now; return all by name."""
    names = {"beat": BEAT, "sweep": SWEEP, "worker": WORKER}
    now = timezone.now()
    for name, since in ago.items():
        Heartbeat.record(names[name])
        Heartbeat.objects.filter(part=names[name]).update(seen_at=now - since)
    return {part.name: part for part in components()}


def test_all_components_with_recent_heartbeats_are_healthy() -> None:
    found = components_seen(beat=NOW, worker=NOW, sweep=NOW)
    assert list(found) == ["broker", "workers", "beat", "dispatcher", "spool"]
    assert all(part.healthy and not part.remedy for part in found.values())
    assert found["workers"].summary == "1 alive, last seen 0 s ago"


def test_a_queue_without_a_worker_is_reported_though_others_have_one() -> None:
    for queue in (MEDIA, HOUSEKEEPING):
        Heartbeat.record(f"worker {queue}@here")
    found = components_seen(beat=NOW, sweep=NOW)["workers"]
    assert (found.healthy, found.remedy) == (False, "Start a worker for that queue.")
    assert found.summary == "2 alive, last seen 0 s ago, none for “retries”"


def test_one_worker_for_each_queue_is_enough() -> None:
    for queue in QUEUES:
        Heartbeat.record(f"worker {queue}@here")
    assert components_seen(beat=NOW, sweep=NOW)["workers"].healthy


def test_a_dead_worker_is_reported_while_beat_is_alive() -> None:
    found = components_seen(beat=NOW, worker=LONG_AGO, sweep=LONG_AGO)
    assert found["beat"].healthy
    assert (found["workers"].healthy, found["dispatcher"].healthy) == (False, False)
    assert found["workers"].summary == "silent, last seen 9 min ago"
    assert "Start a worker" in found["workers"].remedy


def test_a_dead_beat_is_reported_while_workers_are_alive() -> None:
    found = components_seen(beat=LONG_AGO, worker=NOW, sweep=LONG_AGO)
    assert found["workers"].healthy
    assert (found["beat"].healthy, found["dispatcher"].healthy) == (False, False)
    assert "Start exactly one beat" in found["beat"].remedy


def test_a_silent_dispatcher_is_reported_while_worker_and_beat_are_alive() -> None:
    found = components_seen(beat=NOW, worker=NOW, sweep=LONG_AGO)
    assert (found["workers"].healthy, found["beat"].healthy) == (True, True)
    assert "housekeeping" in found["dispatcher"].remedy


def test_a_component_that_never_started_is_reported() -> None:
    assert {part.summary for part in components_seen().values()} == {
        "accepts tasks",
        "never seen",
        "empty",
    }


def test_one_live_worker_of_several_is_enough() -> None:
    Heartbeat.record("worker celery@there")
    assert components_seen(worker=LONG_AGO)["workers"].summary == "1 alive, last seen 0 s ago"


def test_an_unavailable_broker_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components_module, "broker_error", OSError)
    assert not components_seen()["broker"].healthy


def test_a_webhook_in_the_spool_is_reported() -> None:
    spool.put(ARRIVED)
    assert components_seen()["spool"].summary == "1 webhook waits for the database"


def test_a_webhook_that_was_set_aside_is_reported() -> None:
    spool.set_aside(ARRIVED)
    found = components_seen()["spool"]
    assert found.summary == "1 webhook was set aside, 0 waiting for the database"
    assert "replay_spool --refused" in found.remedy


def test_a_dispatcher_with_a_long_interval_may_be_silent_for_three_intervals(
    settings: Settings,
) -> None:
    settings.REDISPATCH_INTERVAL_S = 600.0
    assert components_seen(sweep=timedelta(minutes=25))["dispatcher"].healthy
    assert dispatcher_silent_after() == timedelta(minutes=30)


def test_all_heartbeats_of_a_component_share_one_row() -> None:
    for _ in range(3):
        Heartbeat.record(WORKER)
    assert Heartbeat.objects.count() == 1


def test_the_dispatcher_writes_a_heartbeat() -> None:
    redispatch()
    assert Heartbeat.objects.alive(timezone.now()).get().part == SWEEP


def test_heartbeats_of_workers_stopped_long_ago_are_deleted() -> None:
    components_seen(worker=KEEP_FOR + timedelta(seconds=1), beat=LONG_AGO)
    sweep_files()
    assert Heartbeat.objects.get().part == BEAT


def test_readiness_and_metrics_report_which_components_are_alive(client: Client) -> None:
    components_seen(worker=NOW, beat=LONG_AGO)
    ready = client.get("/readyz").json()
    assert (ready["workers"], ready["beat"]) == (1, False)
    metrics = client.get("/metrics").content.decode().splitlines()
    assert "mediapipe_workers 1.0" in metrics
    assert 'mediapipe_silent_seconds{part="sweep"} +Inf' in metrics
    (beat,) = (line for line in metrics if line.startswith('mediapipe_silent_seconds{part="b'))
    assert float(beat.split()[1]) >= LONG_AGO.total_seconds() > SILENT_AFTER.total_seconds()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (-5, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172800, "2 days")],
)
def test_an_age_is_shown_in_the_largest_unit_that_fits_at_least_twice(
    seconds: float, expected: str
) -> None:
    assert format_age(seconds) == expected
