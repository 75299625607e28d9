"""Workers that are killed again and again under load: those left take over."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mediapipe.simulator import payloads
from mediapipe.simulator.faults import HangInBody
from mediapipe.simulator.payloads import Webhook
from tests.faults.conftest import Settled
from tests.faults.world import World

pytestmark = [pytest.mark.services, pytest.mark.both_brokers]

SECONDS = 60.0
KILLS = 33
WEBHOOKS = 180
SEED = 20


def test_media_is_stored_although_workers_are_killed_thirty_times_in_a_minute(
    world: World, settled: Settled
) -> None:
    others = [world.another_worker("worker-2"), world.another_worker("worker-3")]
    with world.with_programs(*others), ThreadPoolExecutor() as thread:
        killing = thread.submit(kill_repeatedly, world)
        for webhook in load():
            world.send(webhook)
            time.sleep(SECONDS / WEBHOOKS)
        kills = killing.result()
        # An item that was hit three times by chance looks like a poison message and is given up.
        world.retry("interrupted")
        assert settled("worker SIGKILL", f"{KILLS} times in {SECONDS:.0f} s").all_stored_once
    # The others are in reserve: on a busy machine the last one can be late.
    assert kills[29] - kills[0] <= SECONDS


def kill_repeatedly(world: World) -> list[float]:
    """Kill one of the three workers about every two seconds, in turn; return when."""
    kills, begun = [], time.monotonic()
    for number in range(KILLS):
        time.sleep(max(0.0, begun + number * SECONDS / KILLS - time.monotonic()))
        name = ("worker", "worker-2", "worker-3")[number % 3]
        world.supervisor.running[name].kill()
        kills.append(time.monotonic())
    return kills


def load() -> list[Webhook]:
    """Return webhooks some of whose media are late, and some slow enough to be hit by a kill."""
    rng = random.Random(SEED)
    return [
        payloads.mms(
            rng.randint(1, 2),
            delay_s=rng.choice([0.0, 0.0, 2.0]),
            faults=[HangInBody(rng.uniform(0, 1), at="cdn")],
        )
        for _ in range(WEBHOOKS)
    ]
