"""A period has the same figures whether or not its hours were counted beforehand."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mediapipe.failures import Erased, GivenUp, RecordingSilent
from mediapipe.models import HourlyCounts, MediaItem, Status
from mediapipe.providers.base import InboundMessage
from mediapipe.timing import hourly
from mediapipe.timing.hourly import count_hour, count_hours, tallies_of
from mediapipe.timing.period import Period
from mediapipe.timing.selection import Selection
from mediapipe.timing.tally import Tally
from tests.support import make
from tests.support.query_plans import index_plan

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
OTHER = "AC" + "b2" * 16
INDEX_ONLY = {
    "postgresql": "Index Only Scan using media_timing",
    "sqlite": "USING COVERING INDEX media_timing",
}
UNFINISHED = ("queued", "fetching", "retrying")


def item(at: datetime, inbound: InboundMessage | None = None, **changes: Any) -> MediaItem:
    """Create an item that was received at this time and has these changes."""
    made = make.media(inbound, at)
    MediaItem.objects.filter(pk=made.pk).update(**changes)
    return made


def stored(at: datetime, **changes: Any) -> MediaItem:
    values = {"attempts": 1, "queue_lag_s": 0.5, "delay_at_least_s": 0.0, "delay_at_most_s": 1.0}
    return item(at, **{"status": "stored", "content_type": "image/png"} | values | changes)


def count_all(now: datetime = NOON + 10 * HOUR) -> list[datetime]:
    return list(count_hours(now))


def assert_same(*selections: Selection) -> None:
    """Check that the figures are the same when only the rows are read."""
    found = [figures(selection) for selection in selections]
    HourlyCounts.objects.all().delete()
    assert found == [figures(selection) for selection in selections]


def figures(selection: Selection) -> dict[datetime, tuple[int, ...]]:
    """Return the counts by hour, without empty hours."""
    return {at: tally.lanes for at, tally in tallies_of(selection).items() if tally.number}


def total(period: Period) -> Tally:
    return Tally.sum(tallies_of(Selection(period)).values())


DAY = Period(NOON - 24 * HOUR, NOON)


def test_a_counted_hour_is_not_read_from_its_rows() -> None:
    stored(NOON - 2 * HOUR)
    stored(NOON - HOUR / 2)
    count_all(NOON)
    assert total(DAY).count(Status.STORED) == 2
    MediaItem.objects.all().delete()
    assert total(DAY).count(Status.STORED) == 1


@pytest.mark.parametrize("seed", range(8))
def test_any_period_has_the_same_figures_with_and_without_hourly_counts(seed: int) -> None:
    rng = random.Random(seed)
    items = [random_item(rng) for _ in range(40)]
    count_all(NOON)
    for changed in rng.sample(items, 12):
        change(changed, rng)
    if seed % 2:
        count_all(NOON + HOUR)
    assert_same(*(random_selection(rng) for _ in range(12)))


def random_item(rng: random.Random) -> MediaItem:
    """Create an item of the last six hours before noon, in a random state."""
    at = NOON - timedelta(seconds=rng.choice([0, 3600, 3599.999999, rng.uniform(0, 6 * 3600)]))
    sid = rng.choice([make.ACCOUNT, OTHER])
    inbound = rng.choice([make.message, make.recording])(account_sid=sid)
    status = rng.choice(list(Status))
    tried = status not in ("queued", "absent")
    early = tried and rng.random() < 0.5
    found = status == "stored" or (tried and rng.random() < 0.2)
    least_s = rng.choice([0.5, 1.0, 3.0, rng.lognormvariate(2, 3)]) if early else 0.0
    return item(
        at,
        inbound,
        status=status,
        attempts=rng.randrange(1, 20) if tried else 0,
        not_found_count=int(early),
        queue_lag_s=rng.lognormvariate(-2, 2) if tried else None,
        delay_at_least_s=least_s if tried else None,
        delay_at_most_s=least_s + rng.choice([0, 0.1, rng.lognormvariate(0, 2)]) if found else None,
        content_type=rng.choice(["image/png", "audio/wav"]) if status == "stored" else "",
        error="too_large" if status == "failed" else "",
    )


def change(changed: MediaItem, rng: random.Random) -> None:
    """Make a random change to an item, or to its hour, as may happen after it was counted."""
    rows = MediaItem.objects.filter(pk=changed.pk)
    changes: list[Callable[[], object]] = [
        rows.retry,
        lambda: rows.give_up(GivenUp("no longer needed")),
        rows.mark_erased,
        lambda: rows.get().mark_absent(RecordingSilent()),
        lambda: rows.filter(status__in=UNFINISHED).update(
            status="stored", attempts=3, delay_at_most_s=99.0, content_type="image/png"
        ),
        lambda: make.event(make.message(2), changed.received_at),
    ]
    rng.choice(changes)()


def random_selection(rng: random.Random) -> Selection:
    since = NOON - timedelta(seconds=rng.choice([7 * 3600, rng.uniform(8 * 3600, 24 * 3600)]))
    until = NOON + timedelta(seconds=rng.choice([0, 3600, rng.uniform(-3 * 3600, 3600)]))
    return Selection(
        Period(since, max(until, since + 8 * HOUR)),
        account_sid=rng.choice(["", make.ACCOUNT]),
        kind=rng.choice(["", "recording"]),
        content_type=rng.choice(["", "image/png"]),
    )


def test_an_item_that_was_unfinished_is_counted_in_its_current_state() -> None:
    late = item(NOON - 3 * HOUR, status="retrying", attempts=2)
    count_all()
    assert total(DAY).count(Status.RETRYING) == 1
    MediaItem.objects.filter(pk=late.pk).update(status="stored", attempts=3, content_type="a/b")
    assert total(DAY).count(Status.STORED, attempts=3) == 1
    assert_same(Selection(DAY), Selection(DAY, content_type="a/b"))


def test_an_item_that_was_unfinished_is_read_only_once() -> None:
    late = item(NOON - 3 * HOUR, status="retrying", attempts=2)
    count_all()
    with CaptureQueriesContext(connection) as captured:
        total(DAY)
    assert captured[-1]["sql"].count(f'"id" IN ({late.pk})') == 1


def test_a_retried_item_counts_as_queued_at_once() -> None:
    item(NOON - 3 * HOUR, status="failed", attempts=1, error="too_large")
    count_all()
    MediaItem.objects.all().retry()
    assert total(DAY).count(Status.QUEUED) == 1
    assert_same(Selection(DAY))


def test_an_item_resumed_after_its_account_works_again_counts_as_retrying() -> None:
    failed = item(NOON - 3 * HOUR, status="failed", attempts=1, error="unauthorized")
    failed.attempt_set.create(number=1, started_at=NOON)
    count_all()
    MediaItem.objects.resume_unauthorized(make.ACCOUNT, NOON - HOUR)
    assert total(DAY).count(Status.RETRYING) == 1


def test_a_failed_recording_that_never_existed_counts_as_absent() -> None:
    failed = item(NOON - 3 * HOUR, status="failed", error="gone")
    count_all()
    failed.mark_absent(RecordingSilent())
    assert total(DAY).count(Status.ABSENT) == 1


def test_a_webhook_that_waited_in_the_spool_counts_in_its_hour() -> None:
    stored(NOON - 3 * HOUR)
    count_all()
    make.event(make.message(2), NOON - 3 * HOUR)
    assert (total(DAY).count(), total(DAY).webhooks) == (3, 2)


def test_figures_still_match_the_rows_after_a_person_is_erased() -> None:
    stored(NOON - 3 * HOUR)
    item(NOON - 3 * HOUR, status="retrying", attempts=1)
    count_all()
    MediaItem.objects.all().mark_erased()
    assert total(DAY).count(Status.FAILED) == MediaItem.objects.filter(error=Erased.slug).count()
    assert_same(Selection(DAY))


def test_a_webhook_of_the_current_hour_creates_no_hourly_counts() -> None:
    make.event(make.message())
    assert not HourlyCounts.objects.exists()


def test_an_hour_is_counted_only_two_minutes_after_its_end() -> None:
    stored(NOON - HOUR)
    assert count_all(NOON + 2 * MINUTE - timedelta(seconds=1)) == []
    assert count_all(NOON + 2 * MINUTE) == [NOON - HOUR]


def test_an_hour_is_counted_again_when_it_is_twice_as_old() -> None:
    stored(NOON - HOUR)
    count_all(NOON + HOUR)
    HourlyCounts.objects.update(counted_at=NOON + HOUR)
    assert NOON - HOUR not in count_all(NOON + 2 * HOUR)
    assert NOON - HOUR in count_all(NOON + 3 * HOUR)


def test_counting_an_hour_again_changes_nothing() -> None:
    stored(NOON - 3 * HOUR)
    count_all()
    before = HourlyCounts.objects.values("total", "groups", "unfinished").get(start=NOON - 3 * HOUR)
    count_hour(NOON - 3 * HOUR)
    again = HourlyCounts.objects.values("total", "groups", "unfinished").get(start=NOON - 3 * HOUR)
    assert again == before


def test_the_counts_of_another_layout_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    stored(NOON - 3 * HOUR)
    count_all()
    HourlyCounts.objects.update(layout=0, total=b"")
    assert total(DAY).count() == 1
    assert NOON - 3 * HOUR in count_all()


def test_an_hour_with_too_many_unfinished_items_is_read_from_its_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hourly, "MAX_UNFINISHED", 1)
    for _ in range(2):
        item(NOON - 3 * HOUR, status="retrying", attempts=1)
    count_all()
    with CaptureQueriesContext(connection) as captured:
        assert total(DAY).count() == 2
    assert not any(" IN (" in query["sql"] for query in captured)


def test_the_hours_with_the_fewest_unfinished_items_are_used_up_to_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hourly, "MAX_UNFINISHED", 2)
    for hours, number in ((2, 1), (3, 2), (4, 1)):
        for _ in range(number):
            item(NOON - hours * HOUR, status="retrying", attempts=1)
        stored(NOON - hours * HOUR)
    count_all()
    MediaItem.objects.filter(status="stored").delete()
    assert {at: tally.count(Status.STORED) for at, tally in tallies_of(Selection(DAY)).items()} == {
        NOON - 2 * HOUR: 1,
        NOON - 3 * HOUR: 0,
        NOON - 4 * HOUR: 1,
    } | dict.fromkeys(counted_and_empty(), 0)


def counted_and_empty() -> list[datetime]:
    hours = [NOON - hours * HOUR for hours in (2, 3, 4)]
    counted = HourlyCounts.objects.filter(start__gte=DAY.since, start__lt=NOON)
    return list(counted.exclude(start__in=hours).values_list("start", flat=True))


def test_items_of_uncounted_hours_are_read_from_the_covering_index_alone() -> None:
    stored(NOON - HOUR / 2)
    with CaptureQueriesContext(connection) as captured:
        total(DAY)
    # Before a vacuum no page is all-visible, so the planner would prefer the other index.
    prepare = "SET LOCAL enable_bitmapscan = off", "DROP INDEX media_received"
    plan = index_plan(captured[-1]["sql"].replace("Inf)", "9e999)"), *prepare)
    assert plan.count(INDEX_ONLY[connection.vendor]) == 4


def test_a_period_with_many_gaps_between_counted_hours_is_read_with_one_query(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hourly, "MAX_GAPS", 1)
    for hours in range(1, 6):
        stored(NOON - hours * HOUR)
    count_all()
    HourlyCounts.objects.filter(start=NOON - 3 * HOUR).update(counted_at=None)
    with CaptureQueriesContext(connection) as captured:
        assert total(DAY).count() == 5
    assert len(captured) == 2


def test_the_timing_page_is_shown_for_counted_hours(admin_client: Any) -> None:
    stored(timezone.now() - 3 * HOUR)
    count_all(timezone.now())
    assert b"Propagation delay" in admin_client.get("/admin/timing/?period=30d").content
