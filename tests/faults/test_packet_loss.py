"""Two minutes without a single packet between the service and its broker."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

import pytest

from mediapipe.simulator import payloads
from tests.faults.conftest import settle
from tests.faults.world import World
from tests.support.packet_loss import packet_loss

pytestmark = pytest.mark.services

LOSS_S = 120
RECOVERED_WITHIN_S = 60


def test_packets_lost_for_two_minutes(each_world: dict[str, World]) -> None:
    for world in each_world.values():
        waiting = payloads.mms(1, delay_s=5)
        world.send(waiting)
        world.wait_for_requests(waiting)
    with packet_loss(*(world.broker.port for world in each_world.values())):
        time.sleep(LOSS_S)
        for name, world in each_world.items():
            report = ready(world)
            assert (report["broker"], report["workers"]) == (False, 0), name
            # The worker is to reconnect, not to restart.
            assert world.times_logged("worker", "the main loop has been stuck") == 0, name
    deadline = time.monotonic() + RECOVERED_WITHIN_S
    for world in each_world.values():
        world.send(*(payloads.mms(1) for _ in range(3)))
    for name, world in each_world.items():
        remaining_s = deadline - time.monotonic()
        verdict = settle(world, name, f"packets lost for {LOSS_S} s", "a retry waits", remaining_s)
        assert verdict.flawless, name


def ready(world: World) -> dict[str, Any]:
    with urllib.request.urlopen(f"{world.url}/readyz", timeout=60) as response:  # noqa: S310
        report: dict[str, Any] = json.load(response)
        return report
