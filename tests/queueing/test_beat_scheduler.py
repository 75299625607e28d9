"""Beat while its broker is unavailable."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

import pytest
from celery.schedules import schedule

from mediapipe.celery import app
from mediapipe.queueing import beat_scheduler
from mediapipe.queueing.beat_scheduler import Scheduler
from mediapipe.settings.beat_schedule import NEVER


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> Scheduler:
    """Return a scheduler with one task that is due; it writes no heartbeat."""
    monkeypatch.setattr(Scheduler, "heartbeat", mock.Mock())
    monkeypatch.setattr(beat_scheduler, "watchdog", mock.Mock())
    scheduler = Scheduler(app, lazy=True)
    every_minute = schedule(timedelta(minutes=1))
    entry = {"task": "unregistered", "schedule": every_minute, "last_run_at": NEVER}
    scheduler.update_from_dict({"task": entry})
    vars(scheduler)["producer"] = None
    return scheduler


def test_a_task_that_could_not_be_published_is_due_again_at_once(scheduler: Scheduler) -> None:
    with mock.patch.object(scheduler, "send_task", side_effect=ConnectionRefusedError) as publish:
        scheduler.tick()
        scheduler.tick()
    assert publish.call_count == 2


def test_a_published_task_is_due_again_after_its_interval(scheduler: Scheduler) -> None:
    with mock.patch.object(scheduler, "send_task") as publish:
        scheduler.tick()
        assert scheduler.tick() > 50
    assert publish.call_count == 1
