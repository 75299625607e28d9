"""SIGKILL at every moment of a fetch: lease or periodic dispatcher bring the item back."""

from __future__ import annotations

import signal

import pytest

from mediapipe.simulator import payloads
from mediapipe.simulator.faults import Hang, HangInBody
from tests.faults import failpoints
from tests.faults.conftest import Settled
from tests.faults.world import World

pytestmark = [pytest.mark.services, pytest.mark.both_brokers]

FAULT = "worker SIGKILL"


def test_media_is_stored_if_the_worker_is_killed_before_it_receives_a_message(
    world: World, settled: Settled
) -> None:
    world.signal("worker", signal.SIGSTOP)
    world.send(*(payloads.mms(2) for _ in range(5)))
    world.kill("worker")
    assert settled(FAULT, "before taking anything").all_stored_once


def test_media_is_stored_if_the_worker_is_killed_while_the_api_hangs(
    world: World, settled: Settled
) -> None:
    webhook = payloads.mms(2, faults=[Hang()])
    world.send(webhook)
    world.wait_for_requests(webhook)
    world.kill("worker")
    assert settled(FAULT, "while the API origin hangs").all_stored_once
    assert world.rows(webhook)[0]["interruptions"] == 1


def test_media_is_stored_if_the_worker_is_killed_in_the_middle_of_the_body(
    world: World, settled: Settled
) -> None:
    webhook = payloads.mms(2, faults=[HangInBody(at="cdn")])
    world.send(webhook)
    world.wait_for_requests(webhook, times=2)
    world.kill("worker")
    assert settled(FAULT, "in the body").all_stored_once


def test_media_is_stored_if_the_worker_is_killed_between_the_file_and_the_row(
    world: World, settled: Settled
) -> None:
    armed = world.arm(failpoints.STORED_BUT_NOT_IN_THE_ROW)
    world.send(payloads.mms(2))
    assert settled(FAULT, "file stored, row not yet").all_stored_once
    assert not armed.exists()


def test_stored_media_is_not_fetched_again_if_the_worker_is_killed_before_the_ack(
    world: World, settled: Settled
) -> None:
    armed = world.arm(failpoints.IN_THE_ROW_BUT_NOT_ACKED)
    webhook = payloads.mms(1)
    world.send(webhook)
    assert settled(FAULT, "row done, message not acked").all_stored_once
    assert not armed.exists()
    assert len(world.twilio.log.of(webhook.media[0].sid, "api")) == 1
