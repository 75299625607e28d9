"""Beat is frozen, or runs twice."""

from __future__ import annotations

import time

import pytest

from mediapipe.operations.programs import Program
from mediapipe.simulator import payloads
from tests.faults.conftest import Settled
from tests.faults.short_timeouts import DELIVERY_TIMEOUT_S
from tests.faults.world import World

pytestmark = pytest.mark.services


def test_media_is_stored_without_beat_if_no_message_is_lost(world: World, settled: Settled) -> None:
    with world.stopped("beat"):
        world.send(*(payloads.mms(1, delay_s=1) for _ in range(5)))
        assert settled("beat stopped", "messages arrive").all_stored_once


def test_items_whose_messages_are_lost_stay_queued_until_beat_resumes(
    world: World, settled: Settled
) -> None:
    webhook = payloads.mms(2)
    with world.stopped("beat"):
        with world.without("worker"):
            world.send(webhook)
            world.empty_broker()
        time.sleep(DELIVERY_TIMEOUT_S + 1)
        assert {row["status"] for row in world.rows(webhook)} == {"queued"}
    assert settled("beat stopped", "messages lost, beat continues").all_stored_once


def test_media_is_downloaded_exactly_once_while_two_beats_run(
    world: World, settled: Settled
) -> None:
    beat = world.supervisor.programs["beat"]
    with world.with_programs(Program("beat-2", beat.command)):
        for _ in range(4):
            world.broker.switch("refuse")
            world.send(*(payloads.mms(1) for _ in range(10)))
            world.empty_broker()
            world.broker.switch("pass")
            time.sleep(1)
        verdict = settled("two beats", "messages lost under load")
    assert verdict.all_stored_once
    assert all(len(world.twilio.log.of(sid, "cdn")) == 1 for sid in world.sent)
