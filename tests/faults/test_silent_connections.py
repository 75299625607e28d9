"""Established connections to the broker go silent: no FIN, no RST, and new connections work."""

from __future__ import annotations

import pytest

from mediapipe.simulator import payloads
from tests.faults.conftest import Settled
from tests.faults.world import World

pytestmark = [pytest.mark.services, pytest.mark.both_brokers]

RECOVERED_WITHIN_S = 60


def test_media_is_stored_within_a_minute_if_idle_connections_go_silent(
    world: World, settled: Settled
) -> None:
    world.send(payloads.mms(1))
    assert world.settle().all_stored_once
    world.broker.switch("drop")
    world.send(*(payloads.mms(1) for _ in range(3)))
    assert settled("connections go silent", "idle", RECOVERED_WITHIN_S).all_stored_once


def test_media_is_stored_within_a_minute_if_connections_go_silent_while_retries_wait(
    world: World, settled: Settled
) -> None:
    webhook = payloads.mms(3, delay_s=4)
    world.send(webhook)
    world.wait_for_requests(webhook)
    world.broker.switch("drop")
    assert settled("connections go silent", "retries wait", RECOVERED_WITHIN_S).all_stored_once
