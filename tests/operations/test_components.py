"""How the parts of the service are is told in words, and what to do if they are not well."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from mediapipe.models import Heartbeat
from mediapipe.models.heartbeats import BEAT, KEEP_FOR, SILENT_AFTER, SWEEP
from mediapipe.operations import components as parts_module
from mediapipe.operations.components import Component, age, parts, sweep_silent_after
from mediapipe.settings.queues import HOUSEKEEPING, MEDIA, QUEUES
from mediapipe.webhooks import spool
from tasks.redispatch import redispatch
from tasks.sweep_files import sweep_files
from tests.support.webhooks import ARRIVED

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("broker")]

WORKER = "worker celery@here"
NOW = timedelta(0)
LONG_AGO = timedelta(minutes=9)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be a broker that answers."""
    monkeypatch.setattr(parts_module, "broker_error", lambda: None)
    monkeypatch.setattr("mediapipe.operations.health.broker_error", lambda: None)
    monkeypatch.setattr("tasks.redispatch.queue_capacity", lambda queue: 0)


def heard(**ago: timedelta) -> dict[str, Component]:
    """Let each of these parts have been heard of so long ago; return every part by its name."""
    names = {"beat": BEAT, "sweep": SWEEP, "worker": WORKER}
    now = timezone.now()
    for name, since in ago.items():
        Heartbeat.record(names[name])
        Heartbeat.objects.filter(part=names[name]).update(seen_at=now - since)
    return {part.name: part for part in parts(now)}


def test_all_is_well_when_everybody_was_heard_of_just_now() -> None:
    found = heard(beat=NOW, worker=NOW, sweep=NOW)
    assert list(found) == ["broker", "workers", "beat", "sweep", "spool"]
    assert all(part.well and not part.todo for part in found.values())
    assert found["workers"].sentence == "1 alive, seen 0 s ago"


def test_a_queue_without_a_worker_is_told_though_others_live() -> None:
    for queue in (MEDIA, HOUSEKEEPING):
        Heartbeat.record(f"worker {queue}@here")
    found = heard(beat=NOW, sweep=NOW)["workers"]
    assert (found.well, found.todo) == (False, "Start a worker for that queue.")
    assert found.sentence == "2 alive, seen 0 s ago, none for “retries”"


def test_one_worker_for_each_queue_is_enough() -> None:
    for queue in QUEUES:
        Heartbeat.record(f"worker {queue}@here")
    assert heard(beat=NOW, sweep=NOW)["workers"].well


def test_a_dead_worker_is_told_though_beat_lives() -> None:
    found = heard(beat=NOW, worker=LONG_AGO, sweep=LONG_AGO)
    assert found["beat"].well
    assert (found["workers"].well, found["sweep"].well) == (False, False)
    assert found["workers"].sentence == "silent, last seen 9 min ago"
    assert "Start a worker" in found["workers"].todo


def test_a_dead_beat_is_told_though_workers_live() -> None:
    found = heard(beat=LONG_AGO, worker=NOW, sweep=LONG_AGO)
    assert found["workers"].well
    assert (found["beat"].well, found["sweep"].well) == (False, False)
    assert "Start beat" in found["beat"].todo


def test_sweeps_that_do_not_get_through_are_told_though_both_live() -> None:
    found = heard(beat=NOW, worker=NOW, sweep=LONG_AGO)
    assert (found["workers"].well, found["beat"].well) == (True, True)
    assert "housekeeping" in found["sweep"].todo


def test_who_never_lived_is_told() -> None:
    assert {part.sentence for part in heard().values()} == {"answers", "never seen", "empty"}


def test_one_worker_of_several_is_enough() -> None:
    Heartbeat.record("worker celery@there")
    assert heard(worker=LONG_AGO)["workers"].sentence == "1 alive, seen 0 s ago"


def test_a_broker_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_module, "broker_error", OSError)
    assert not heard()["broker"].well


def test_a_webhook_in_the_spool_is_told() -> None:
    spool.put(ARRIVED)
    assert heard()["spool"].sentence == "1 webhook waits for the database"


def test_a_sweep_that_comes_rarely_is_given_its_time(settings: Settings) -> None:
    settings.REDISPATCH_INTERVAL_S = 600.0
    assert heard(sweep=timedelta(minutes=25))["sweep"].well
    assert sweep_silent_after() == timedelta(minutes=30)


def test_a_heartbeat_is_one_row_however_often_it_is_noted() -> None:
    for _ in range(3):
        Heartbeat.record(WORKER)
    assert Heartbeat.objects.count() == 1


def test_a_sweep_is_heard_of() -> None:
    redispatch()
    assert Heartbeat.objects.alive(timezone.now()).get().part == SWEEP


def test_workers_that_ended_long_ago_are_forgotten() -> None:
    heard(worker=KEEP_FOR + timedelta(seconds=1), beat=LONG_AGO)
    sweep_files()
    assert Heartbeat.objects.get().part == BEAT


def test_readiness_and_metrics_tell_who_lives(client: Client) -> None:
    heard(worker=NOW, beat=LONG_AGO)
    ready = client.get("/readyz").json()
    assert (ready["workers"], ready["beat"]) == (1, False)
    metrics = client.get("/metrics").content.decode().splitlines()
    assert "mediapipe_workers 1.0" in metrics
    assert 'mediapipe_silent_seconds{part="sweep"} +Inf' in metrics
    (beat,) = (line for line in metrics if line.startswith('mediapipe_silent_seconds{part="b'))
    assert float(beat.split()[1]) >= LONG_AGO.total_seconds() > SILENT_AFTER.total_seconds()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (-5, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172800, "2 days")],
)
def test_an_age_has_the_largest_unit_of_which_there_are_two(seconds: float, said: str) -> None:
    assert age(seconds) == said
