"""No packet passes between the service and its broker for two minutes, or its database."""

from __future__ import annotations

import json
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mediapipe.simulator import payloads
from tests.faults.conftest import Settled, settle
from tests.faults.world import World
from tests.support import servers
from tests.support.packet_loss import packet_loss

pytestmark = pytest.mark.services

LOSS_S = 120
RECOVERED_WITHIN_S = 60
TWILIO_WAITS_S = 15
# Fewer than a web process has threads, so that none of the webhooks waits for a thread.
WAITING = 3
BLOCKED = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
    AND query LIKE '%INSERT INTO "mediapipe_webhookevent"%'
"""


def test_workers_reconnect_and_store_media_after_two_minutes_of_packet_loss(
    worlds_by_broker: dict[str, World],
) -> None:
    for world in worlds_by_broker.values():
        waiting = payloads.mms(1, delay_s=5)
        world.send(waiting)
        world.wait_for_requests(waiting)
    with packet_loss(*(world.broker.port for world in worlds_by_broker.values())):
        time.sleep(LOSS_S)
        for name, world in worlds_by_broker.items():
            report = ready(world)
            assert (report["broker"], report["workers"]) == (False, 0), name
            # The worker is to reconnect, not to restart.
            assert world.times_logged("worker", "the main loop has been stuck") == 0, name
    deadline = time.monotonic() + RECOVERED_WITHIN_S
    for world in worlds_by_broker.values():
        world.send(*(payloads.mms(1) for _ in range(3)))
    for name, world in worlds_by_broker.items():
        remaining_s = deadline - time.monotonic()
        verdict = settle(world, name, f"packets lost for {LOSS_S} s", "a retry waits", remaining_s)
        assert verdict.all_stored_once, name


def test_waiting_web_threads_respond_in_time_if_packets_of_the_database_are_lost(
    world: World, settled: Settled
) -> None:
    """The statements were acknowledged, so nothing is in flight whose loss TCP would notice."""
    webhooks = [payloads.mms(1) for _ in range(WAITING)]
    url = world.judge.database_url
    with (
        servers.cursor(url) as locking,
        servers.cursor(url) as cursor,
        ThreadPoolExecutor() as pool,
    ):
        locking.execute("BEGIN; LOCK TABLE mediapipe_webhookevent IN EXCLUSIVE MODE")
        sending = pool.submit(world.send, *webhooks)
        wait_for_blocked(cursor)
        with packet_loss(world.database.port):
            # The threads are free again while Twilio still waits, and the webhooks are spooled.
            assert max(sending.result()) < TWILIO_WAITS_S
        locking.execute("ROLLBACK")
    assert settled("packets of the database lost", "while threads wait").all_stored_once


def wait_for_blocked(cursor: Any) -> None:
    """Wait until the statements of all webhooks wait for the lock of the table."""
    deadline = time.monotonic() + 30
    while True:
        cursor.execute(BLOCKED)
        if cursor.fetchone()[0] == WAITING:
            return
        assert time.monotonic() < deadline, "the statements do not wait"
        time.sleep(0.1)


def ready(world: World) -> dict[str, Any]:
    with urllib.request.urlopen(f"{world.url}/readyz", timeout=60) as response:  # noqa: S310
        report: dict[str, Any] = json.load(response)
        return report
