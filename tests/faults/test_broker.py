"""The broker is away, silent or empty: the rows remain, and the periodic dispatcher finds them."""

from __future__ import annotations

import time

import pytest

from mediapipe.simulator import payloads
from mediapipe.simulator.faults import HangInBody
from tests.faults.conftest import Settled
from tests.faults.world import World

pytestmark = [pytest.mark.services, pytest.mark.both_brokers]

# The bound is about a second; the rest allows for a machine that is busy with the test.
ANSWERED_WITHIN_S = 1.5


def test_webhooks_are_answered_promptly_while_the_broker_refuses_connections(
    world: World, settled: Settled
) -> None:
    world.broker.switch("refuse")
    took = [*world.send(payloads.mms(1)), *world.send(*(payloads.mms(1) for _ in range(9)))]
    assert max(took) < ANSWERED_WITHIN_S
    world.broker.switch("pass")
    assert settled("broker refuses", "at publish").all_stored_once


def test_webhooks_are_answered_promptly_while_the_broker_is_black_holed(
    world: World, settled: Settled
) -> None:
    world.broker.switch("swallow")
    took = [*world.send(payloads.mms(1)), *world.send(*(payloads.mms(1) for _ in range(9)))]
    assert max(took) < ANSWERED_WITHIN_S
    world.broker.switch("pass")
    assert settled("broker black-holed", "at publish").all_stored_once


def test_media_is_stored_if_the_broker_is_lost_between_two_attempts(
    world: World, settled: Settled
) -> None:
    webhook = payloads.mms(3, delay_s=4)
    world.send(webhook)
    world.wait_for_requests(webhook)
    world.broker.switch("refuse")
    time.sleep(5)
    world.broker.switch("pass")
    assert settled("broker lost", "waiting for the next attempt").all_stored_once


def test_a_download_is_not_repeated_if_the_broker_is_lost_during_it(
    world: World, settled: Settled
) -> None:
    webhook = payloads.mms(3, faults=[HangInBody(2, at="cdn")])
    world.send(webhook)
    world.wait_for_requests(webhook, times=2)
    world.broker.switch("refuse")
    world.wait_for_row(webhook, status="stored")
    world.broker.switch("pass")
    assert settled("broker lost", "in the body").all_stored_once
    assert all(len(world.twilio.log.of(script.sid, "api")) == 1 for script in webhook.media)


def test_media_is_stored_if_the_broker_restarts_without_its_queued_messages(
    world: World, settled: Settled
) -> None:
    with world.without("worker"):
        world.send(*(payloads.mms(1) for _ in range(10)))
        world.broker.switch("refuse")
        world.empty_broker()
        world.broker.switch("pass")
    assert settled("broker restarted empty", "in the queue").all_stored_once


def test_media_is_stored_if_the_broker_restarts_without_the_waiting_retries(
    world: World, settled: Settled
) -> None:
    webhook = payloads.mms(3, delay_s=3)
    world.send(webhook)
    world.wait_for_requests(webhook)
    world.broker.switch("refuse")
    world.empty_broker()
    world.broker.switch("pass")
    assert settled("broker restarted empty", "waiting for the next attempt").all_stored_once


def test_media_is_stored_if_the_broker_resets_every_connection_for_a_while(
    world: World, settled: Settled
) -> None:
    for _ in range(15):
        world.broker.switch("reset")
        world.send(*(payloads.mms(1) for _ in range(4)))
        world.broker.switch("pass")
        time.sleep(0.5)
    assert settled("broker resets", "again and again under load").all_stored_once
