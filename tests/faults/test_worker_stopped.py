"""Workers that freeze beyond their lease and wake up, or are terminated."""

from __future__ import annotations

import signal
import time

import pytest

from mediapipe.operations.programs import Program
from mediapipe.simulator import payloads
from mediapipe.simulator.faults import HangInBody
from tests.faults import failpoints
from tests.faults.conftest import Settled
from tests.faults.processes import GRACE_S
from tests.faults.short_timeouts import LEASE_S
from tests.faults.world import World
from tests.support.service import wait_for_line

pytestmark = [pytest.mark.services, pytest.mark.both_brokers]


def test_a_worker_frozen_in_the_body_beyond_its_lease_does_not_change_the_row(
    world: World, settled: Settled
) -> None:
    webhook = payloads.mms(1, faults=[HangInBody(2, at="cdn")])
    world.send(webhook)
    world.wait_for_requests(webhook, times=2)
    with world.with_programs(world.another_worker("second")), world.stopped("worker"):
        # The broker keeps delivering to the frozen worker too, whenever the row is dispatched.
        row = world.wait_for_row(webhook, status="stored")
    world.wait_for_result(world.judge.attempts(row)[0])
    assert settled("worker SIGSTOP beyond its lease", "in the body").all_stored_once
    assert world.rows(webhook) == [row]


def test_a_worker_frozen_before_it_saves_the_row_does_not_change_it_later(
    world: World, settled: Settled
) -> None:
    webhook = payloads.mms(1)
    world.arm(failpoints.STORED_BUT_NOT_IN_THE_ROW, signal.SIGSTOP)
    world.send(webhook)
    with world.with_programs(world.another_worker("second")):
        row = world.wait_for_row(webhook, status="stored", attempts=2)
    world.signal("worker", signal.SIGCONT)
    world.wait_for_result(world.judge.attempts(row)[0])
    assert settled("worker SIGSTOP beyond its lease", "file stored, row not yet").all_stored_once
    assert world.rows(webhook) == [row]


def test_media_is_stored_after_the_only_worker_was_frozen_beyond_its_lease(
    world: World, settled: Settled
) -> None:
    webhook = payloads.mms(1, faults=[HangInBody(2, at="cdn")])
    world.send(webhook)
    world.wait_for_requests(webhook, times=2)
    with world.stopped("worker"):
        time.sleep(LEASE_S + 2)
    assert settled("worker SIGSTOP beyond its lease", "in the body, alone").all_stored_once


def test_a_successor_with_the_same_name_stores_media_while_the_worker_is_frozen(
    world: World, settled: Settled
) -> None:
    # With the same name, as after a restart that the broker has not noticed yet.
    successor = Program("successor", world.supervisor.programs["worker"].command, GRACE_S)
    with world.stopped("worker"), world.with_programs(successor):
        wait_for_line(world.log_dir / "successor.log", " ready.")
        world.send(payloads.mms(3))
        assert settled("worker SIGSTOP", "its successor starts").all_stored_once
        # It may hold row locks that the tasks of its successor wait for.
        world.signal("worker", signal.SIGCONT)


def test_a_terminated_worker_finishes_its_downloads(world: World, settled: Settled) -> None:
    webhook = payloads.mms(2, faults=[HangInBody(2, at="cdn")])
    world.send(webhook)
    world.wait_for_requests(webhook, times=2)
    assert world.terminate("worker") == 0
    assert {row["status"] for row in world.rows(webhook)} == {"stored"}
    assert settled("worker SIGTERM", "in the body").all_stored_once


def test_a_terminated_worker_returns_its_waiting_messages(world: World, settled: Settled) -> None:
    webhook = payloads.mms(2, delay_s=5)
    world.send(webhook)
    world.wait_for_requests(webhook)
    assert world.terminate("worker") == 0
    assert settled("worker SIGTERM", "waiting for the next attempt").all_stored_once
