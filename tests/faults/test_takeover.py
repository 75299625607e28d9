"""All workers are killed under load, with the leases of production: how long until they go on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mediapipe.simulator import payloads
from mediapipe.simulator.faults import HangInBody
from tests.faults.conftest import settle
from tests.faults.judge import FINAL, Row
from tests.faults.world import World
from tests.support.tables import Table

pytestmark = [pytest.mark.services, pytest.mark.both_brokers]

# From the return of the workers, or from when the attempt is due if that is later.
WITHIN_S = {"rabbitmq": 5.0, "redis": 15.0}
FAULT = "all workers SIGKILL under load"
TABLE = Table("takeover", ("broker", "workers return", "state", "items", "s until attempted"))


def test_killed_workers_go_on_when_they_return(real_world: World, broker_name: str) -> None:
    send_load(real_world)
    ready = real_world.times_logged("worker", " ready.")
    real_world.kill("worker")
    killed = unfinished(real_world)
    real_world.wait_until_logged("worker", " ready.", more_than=ready)
    returned = datetime.now(UTC)
    assert settle(real_world, broker_name, FAULT, "they return", 90).flawless
    check(real_world, broker_name, "as they were", killed, returned)


def test_workers_of_other_names_go_on_for_killed_ones(real_world: World, broker_name: str) -> None:
    replacement = real_world.another_worker("replacement")
    send_load(real_world)
    with real_world.without("worker"):
        killed = unfinished(real_world)
        with real_world.joined_by(replacement):
            real_world.wait_until_logged("replacement", " ready.", more_than=0)
            returned = datetime.now(UTC)
            assert settle(real_world, broker_name, FAULT, "others come", 90).flawless
    check(real_world, broker_name, "under other names", killed, returned)


def send_load(world: World) -> None:
    """Send media some of which are in progress, wait for a retry or are not started yet."""
    slow = [payloads.mms(2, faults=[HangInBody(at="cdn")]) for _ in range(4)]
    world.send(*slow)
    for webhook in slow:
        world.wait_for_requests(webhook, times=2)
    late = payloads.mms(10, delay_s=3)
    world.send(late)
    world.wait_for_requests(late)
    world.send(*(payloads.mms(1) for _ in range(10)))


def unfinished(world: World) -> dict[str, Row]:
    rows = world.judge.rows(list(world.sent.values()))
    return {row["identity"]: row for row in rows if row["status"] not in FINAL}


def check(
    world: World, broker_name: str, how: str, killed: dict[str, Row], returned: datetime
) -> None:
    """Each item that was unfinished was attempted again within the limit of its broker."""
    waits: dict[str, list[float]] = {}
    for row in world.judge.rows(list(world.sent.values())):
        if before := killed.get(row["identity"]):
            attempt = world.judge.attempts(row)[before["attempts"]]
            due = max(returned, before["next_attempt_at"])
            waits.setdefault(before["status"], []).append(
                (attempt["started_at"] - due).total_seconds()
            )
    for status, seconds in waits.items():
        TABLE.add(broker_name, how, status, str(len(seconds)), f"{max(seconds):.1f}")
    assert waits["fetching"]
    assert max(map(max, waits.values())) < WITHIN_S[broker_name], waits
