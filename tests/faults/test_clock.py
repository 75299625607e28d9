"""Wall clocks that jump by an hour, of the whole machine or of the worker's alone."""

from __future__ import annotations

import pytest

from mediapipe.simulator import payloads
from mediapipe.simulator.faults import HangInBody
from mediapipe.simulator.payloads import Webhook
from tests.faults import clock
from tests.faults.conftest import Settled
from tests.faults.world import World

pytestmark = pytest.mark.services

HOUR_S = 3600.0


@pytest.mark.parametrize("shift_s", [HOUR_S, -HOUR_S])
def test_media_is_stored_if_the_clock_jumps_by_an_hour_and_stays_wrong(
    world: World, settled: Settled, shift_s: float
) -> None:
    begin(world)
    clock.set_clock(world.failpoints, shift_s)
    world.send(*(payloads.mms(1, delay_s=2) for _ in range(3)))
    moment = "in a download and waiting for attempts"
    assert settled(f"clock jumps {shift_s:+.0f} s", moment, ordered=False).all_stored_once


def test_media_is_stored_if_the_clock_jumps_an_hour_ahead_and_back_again(
    world: World, settled: Settled
) -> None:
    clock.set_clock(world.failpoints, HOUR_S)
    begin(world)
    clock.set_clock(world.failpoints, 0)
    world.send(*(payloads.mms(1, delay_s=2) for _ in range(3)))
    moment = "in a download and waiting for attempts"
    assert settled("clock an hour ahead, then right", moment, ordered=False).all_stored_once


@pytest.mark.parametrize("shift_s", [HOUR_S, -HOUR_S])
def test_media_is_stored_if_only_the_clock_of_the_worker_is_wrong_for_a_while(
    world: World, settled: Settled, shift_s: float
) -> None:
    clock.set_clock(world.failpoints, shift_s, clock.WORKER)
    begin(world)
    clock.set_clock(world.failpoints, 0, clock.WORKER)
    moment = "in a download and waiting for attempts"
    fault = f"worker's clock {shift_s:+.0f} s, then right"
    assert settled(fault, moment, ordered=False).all_stored_once


def begin(world: World) -> None:
    """Send two media: one is then in the middle of its download, one waits for its next attempt."""
    slow = payloads.mms(1, faults=[HangInBody(2, at="cdn")])
    late = payloads.mms(1, delay_s=4)
    world.send(slow, late)
    for webhook in (slow, late):
        wait_until_seen(world, webhook)


def wait_until_seen(world: World, webhook: Webhook) -> None:
    """Wait until the worker has requested the media, for 3 seconds at most."""
    try:
        world.twilio.log.wait_for(webhook.media[0].sid, timeout_s=3)
    except TimeoutError:
        # For a worker whose clock is behind, the item is not due yet.
        return
