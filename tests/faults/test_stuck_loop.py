"""The main loop of a process blocks for ever: its watchdog ends it, and it is restarted."""

from __future__ import annotations

import pytest

from mediapipe.simulator import payloads
from tests.faults import failpoints
from tests.faults.conftest import Settled
from tests.faults.world import World

pytestmark = [pytest.mark.services, pytest.mark.both_brokers]

STUCK = "the main loop has been stuck"


def test_a_worker_whose_event_loop_is_stuck_is_restarted(world: World, settled: Settled) -> None:
    before = world.times_logged("worker", STUCK)
    (world.failpoints / failpoints.WORKER_LOOP_IS_STUCK).touch()
    world.send(*(payloads.mms(1) for _ in range(3)))
    world.wait_until_logged("worker", STUCK, before)
    world.send(*(payloads.mms(1) for _ in range(3)))
    assert settled("stuck", "event loop of the worker").all_stored_once


def test_beat_is_restarted_if_its_scheduler_is_stuck(world: World, settled: Settled) -> None:
    before = world.times_logged("beat", STUCK)
    (world.failpoints / failpoints.BEAT_IS_STUCK).touch()
    world.wait_until_logged("beat", STUCK, before)
    with world.without("worker"):
        world.send(*(payloads.mms(1) for _ in range(3)))
        world.empty_broker()
    # Only what beat schedules publishes these messages again.
    assert settled("stuck", "beat").all_stored_once
