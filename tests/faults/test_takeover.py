"""All workers are killed, or the broker restarts, under load and with the leases of production.

How long until each item is attempted again?
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from mediapipe.simulator import payloads
from mediapipe.simulator.faults import HangInBody
from tests.faults.conftest import settle
from tests.faults.judge import FINAL, Row
from tests.faults.world import WORKER_THREADS, World
from tests.support.tables import Table

pytestmark = [pytest.mark.services, pytest.mark.both_brokers]

# From the return of the workers, or from when the attempt is due if that is later.
WITHIN_S = {"rabbitmq": 5.0, "redis": 15.0}
BROKER_WITHIN_S = 10.0
BROKER_AWAY_S = 5.0
FAULT = "all workers SIGKILL under load"
TABLE = Table("takeover", ("broker", "what returns", "state", "items", "s until attempted"))


def test_items_of_killed_workers_are_attempted_soon_after_the_workers_return(
    world_with_real_timeouts: World, broker_name: str
) -> None:
    send_load(world_with_real_timeouts)
    ready = world_with_real_timeouts.times_logged("worker", " ready.")
    world_with_real_timeouts.kill("worker")
    killed = unfinished(world_with_real_timeouts)
    world_with_real_timeouts.wait_until_logged("worker", " ready.", more_than=ready)
    returned = datetime.now(UTC)
    assert settle(world_with_real_timeouts, broker_name, FAULT, "they return").all_stored_once
    waits = waits_by_state(
        world_with_real_timeouts, broker_name, "workers as they were", killed, returned
    )
    assert waits["fetching"]
    assert max(map(max, waits.values())) < WITHIN_S[broker_name], waits


def test_workers_with_other_names_soon_attempt_the_items_of_killed_workers(
    world_with_real_timeouts: World, broker_name: str
) -> None:
    replacement = world_with_real_timeouts.another_worker("replacement")
    send_load(world_with_real_timeouts)
    with world_with_real_timeouts.without("worker"):
        killed = unfinished(world_with_real_timeouts)
        with world_with_real_timeouts.with_programs(replacement):
            world_with_real_timeouts.wait_until_logged("replacement", " ready.", more_than=0)
            returned = datetime.now(UTC)
            assert settle(
                world_with_real_timeouts, broker_name, FAULT, "others come"
            ).all_stored_once
    waits = waits_by_state(
        world_with_real_timeouts, broker_name, "workers of other names", killed, returned
    )
    assert waits["fetching"]
    assert max(map(max, waits.values())) < WITHIN_S[broker_name], waits


def test_items_are_attempted_soon_after_the_broker_returns(
    world_with_real_timeouts: World, broker_name: str
) -> None:
    send_waiting(world_with_real_timeouts)
    world_with_real_timeouts.broker.switch("refuse")
    world_with_real_timeouts.send(*(payloads.mms(1) for _ in range(10)))
    # Downloads need no broker.
    rows = unfinished(world_with_real_timeouts).items()
    before = {identity: row for identity, row in rows if row["status"] != "fetching"}
    time.sleep(BROKER_AWAY_S)
    world_with_real_timeouts.broker.switch("pass")
    returned = datetime.now(UTC)
    assert settle(
        world_with_real_timeouts, broker_name, "broker restarted", "under load"
    ).all_stored_once
    waits = waits_by_state(world_with_real_timeouts, broker_name, "broker", before, returned)
    assert sum(map(len, waits.values())) >= 10
    assert max(map(max, waits.values())) < BROKER_WITHIN_S, waits


def send_load(world: World) -> None:
    """Send media some of which are in progress, wait for a retry or are not started yet."""
    # They leave the worker two threads for the others.
    slow = [payloads.mms(2, faults=[HangInBody(at="cdn")]) for _ in range(WORKER_THREADS // 2 - 1)]
    world.send(*slow)
    for webhook in slow:
        world.wait_for_requests(webhook, times=2)
    send_waiting(world)


def send_waiting(world: World) -> None:
    """Send media some of which waits for a retry, and some is not started yet."""
    late = payloads.mms(10, delay_s=3)
    world.send(late)
    world.wait_for_requests(late)
    world.send(*(payloads.mms(1) for _ in range(10)))


def unfinished(world: World) -> dict[str, Row]:
    rows = world.judge.rows(list(world.sent.values()))
    return {row["identity"]: row for row in rows if row["status"] not in FINAL}


def waits_by_state(
    world: World, broker_name: str, what: str, before: dict[str, Row], returned: datetime
) -> dict[str, list[float]]:
    """Return how many seconds each item that was unfinished waited for its next attempt."""
    waits: dict[str, list[float]] = {}
    for row in world.judge.rows(list(world.sent.values())):
        if then := before.get(row["identity"]):
            attempt = world.judge.attempts(row)[then["attempts"]]
            due = max(returned, then["next_attempt_at"])
            waits.setdefault(then["status"], []).append(
                (attempt["started_at"] - due).total_seconds()
            )
    for status, seconds in waits.items():
        TABLE.add(broker_name, what, status, str(len(seconds)), f"{max(seconds):.1f}")
    return waits
