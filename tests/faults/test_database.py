"""The database is stopped: webhooks are spooled, and interrupted attempts are repeated."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mediapipe.simulator import payloads
from mediapipe.simulator.faults import Hang, HangInBody
from tests.faults.conftest import Settled
from tests.faults.world import World

pytestmark = pytest.mark.services

FAULT = "database stopped"


def test_media_is_stored_if_the_database_is_down_when_the_webhook_arrives(
    world: World, settled: Settled
) -> None:
    webhooks = [payloads.mms(2) for _ in range(10)]
    world.database.switch("refuse")
    world.send(*webhooks)
    assert not any(map(world.rows, webhooks))
    world.database.switch("pass")
    assert settled(FAULT, "at the webhook").all_stored_once


def test_spooled_webhooks_survive_if_web_is_killed_after_its_response(
    world: World, settled: Settled
) -> None:
    world.database.switch("refuse")
    world.send(*(payloads.mms(1) for _ in range(5)))
    world.kill("web")
    world.database.switch("pass")
    assert settled(FAULT, "at the webhook, then web SIGKILL").all_stored_once


def test_web_is_restarted_if_the_database_goes_silent_in_every_thread(
    world: World, settled: Settled
) -> None:
    """TCP acknowledges what the threads send to the database, and nothing ever comes back."""
    world.send(*(payloads.mms(1) for _ in range(64)))
    ended = world.times_logged("web", "no thread has taken the next request")
    world.database.switch("drop")
    with ThreadPoolExecutor(30) as pool:
        list(pool.map(world.twilio.send, [payloads.sms() for _ in range(30)]))
    world.wait_until_logged("web", "no thread has taken the next request", more_than=ended)
    # Its threads may have silent connections too.
    world.kill("worker")
    world.send_until_accepted(payloads.mms(1))
    assert settled("database silent", "in every thread of web").all_stored_once


def test_media_is_stored_if_the_database_is_down_during_a_claim(
    world: World, settled: Settled
) -> None:
    refused = world.times_logged("worker", "OperationalError")
    with world.stopped("worker"):
        world.send(*(payloads.mms(1) for _ in range(5)))
        world.database.switch("refuse")
    world.wait_until_logged("worker", "OperationalError", more_than=refused)
    world.database.switch("pass")
    assert settled(FAULT, "in a claim").all_stored_once


def test_media_is_stored_if_the_database_is_down_when_a_404_is_recorded(
    world: World, settled: Settled
) -> None:
    webhook = payloads.mms(1, delay_s=3, faults=[Hang(1)])
    refused = world.times_logged("worker", "OperationalError")
    world.send(webhook)
    world.wait_for_requests(webhook)
    world.database.switch("refuse")
    world.wait_until_logged("worker", "OperationalError", more_than=refused)
    world.database.switch("pass")
    assert settled(FAULT, "when a 404 is recorded").all_stored_once


def test_media_is_stored_if_the_database_is_down_at_the_final_save(
    world: World, settled: Settled
) -> None:
    webhook = payloads.mms(2, faults=[HangInBody(1, at="cdn")])
    refused = world.times_logged("worker", "OperationalError")
    world.send(webhook)
    world.wait_for_requests(webhook, times=2)
    world.database.switch("refuse")
    world.wait_until_logged("worker", "OperationalError", more_than=refused)
    world.database.switch("pass")
    assert settled(FAULT, "at the final save").all_stored_once


def test_media_is_stored_if_the_database_resets_connections_again_and_again(
    world: World, settled: Settled
) -> None:
    for _ in range(6):
        world.send(*(payloads.mms(1, delay_s=1) for _ in range(4)))
        world.database.switch("reset")
        world.send(*(payloads.mms(1) for _ in range(2)))
        time.sleep(0.5)
        world.database.switch("pass")
    assert settled("database resets", "again and again under load").all_stored_once
