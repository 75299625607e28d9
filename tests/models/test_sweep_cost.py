"""A sweep reads only the items that are due, however many wait in the slow phase."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mediapipe.models import MediaItem, Status
from mediapipe.models.media.recovery import requeue_far_ahead, requeue_lost
from mediapipe.models.status import Phase
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

WAITING = 200
ITEMS = MediaItem.objects
SWEEP: dict[str, Callable[[datetime], object]] = {
    "requeue_far_ahead": requeue_far_ahead,
    "requeue_lost": lambda now: requeue_lost(ITEMS.tried(), now),
    "claim_due": lambda now: ITEMS.tried().claim_due(10, ahead=timedelta(seconds=10)),
}
LIMITS: dict[str, Callable[[datetime], object]] = {
    "in_queue": lambda now: ITEMS.in_queue(make.ACCOUNT),
    "in_countdown": lambda now: ITEMS.in_countdown(10),
}


@pytest.fixture(autouse=True)
def _slow_phase() -> None:
    """Have many items wait for an attempt in three hours, and update the planner's statistics."""
    make.event(make.message(WAITING))
    later = timezone.now() + timedelta(hours=3)
    ITEMS.update(
        status=Status.RETRYING,
        phase=Phase.SLOW,
        attempts=9,
        next_attempt_at=later,
        sweep_at=later,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@pytest.mark.parametrize("name", SWEEP)
def test_a_sweep_reads_no_items_that_are_not_due(name: str) -> None:
    queries = run(SWEEP[name])
    if connection.vendor == "postgresql":
        assert sum(map(rows_read, queries)) == 0
    else:
        assert all("USING INDEX media_sweep" in plan for plan in map(sqlite_plan, queries))


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_checked_without_reading_waiting_items(name: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite uses the index on the status; it is not meant for so many items")
    assert sum(map(rows_read, run(LIMITS[name]))) == 0


def run(work: Callable[[datetime], object]) -> list[str]:
    """Run this work, which must find nothing; return its queries for media items."""
    with CaptureQueriesContext(connection) as captured:
        assert not work(timezone.now())
    return [query["sql"] for query in captured if "mediapipe_mediaitem" in query["sql"]]


def rows_read(sql: str) -> int:
    """Return how many rows of media items PostgreSQL reads for this query."""
    with connection.cursor() as cursor, transaction.atomic():
        # With so few rows the planner would prefer to read the whole table.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        return sum(
            node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            for node in nodes(cursor.fetchone()[0][0]["Plan"])
            if node.get("Relation Name") == "mediapipe_mediaitem"
        )


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def sqlite_plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return str(cursor.fetchall())
