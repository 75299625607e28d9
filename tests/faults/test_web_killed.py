"""Web processes die during requests: accepted webhooks are kept, others are sent again."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mediapipe.simulator import payloads
from tests.faults.conftest import Settled
from tests.faults.world import World

pytestmark = [pytest.mark.services, pytest.mark.both_brokers]

FAULT = "web SIGKILL"
KILLS = 5


def test_media_is_stored_if_web_processes_are_killed_in_the_middle_of_requests(
    world: World, settled: Settled
) -> None:
    webhooks = [payloads.mms(2) for _ in range(150)]
    killed = 0
    with ThreadPoolExecutor(8) as pool:
        answered = [pool.submit(world.send_until_accepted, webhook) for webhook in webhooks]
        for _ in range(KILLS):
            time.sleep(0.4)
            killed += world.signal_children("web")
        for one in answered:
            one.result()
    assert killed >= KILLS
    assert settled(FAULT, f"in requests, {KILLS} times").all_stored_once


def test_media_is_stored_if_web_is_killed_with_its_master(world: World, settled: Settled) -> None:
    world.kill("web")
    for webhook in [payloads.mms(1) for _ in range(5)]:
        world.send_until_accepted(webhook)
    assert settled(FAULT, "with its master").all_stored_once
