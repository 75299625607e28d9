"""Statistics of many media items match figures worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

import pytest

from mediapipe.models import MediaItem
from mediapipe.models.delay_bins import POINTS_S
from mediapipe.providers.base import Kind
from mediapipe.timing.distribution import attempts_until_stored, delay_distribution
from mediapipe.timing.hourly import tallies_of
from mediapipe.timing.period import Period
from mediapipe.timing.selection import Selection, filter_choices
from mediapipe.timing.summary import TimingSummary, summarize
from mediapipe.timing.tally import MANY_ATTEMPTS, Tally
from mediapipe.timing.time_series import bucket_length, early_over_time, summaries_over_time
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
DAY = Period(NOON - timedelta(days=1), NOON)
HOUR = timedelta(hours=1)


def item(at: datetime = NOON - HOUR, inbound: Any = None, **changes: Any) -> None:
    """Create a media item that was received at this time and has these changes."""
    MediaItem.objects.filter(pk=make.media(inbound, at).pk).update(**changes)


def found(least_s: float, most_s: float, at: datetime = NOON - HOUR, **changes: Any) -> None:
    """Create a stored item that became available between these bounds."""
    early = int(least_s > 0)
    item(
        at,
        status="stored",
        attempts=early + 1,
        not_found_count=early,
        queue_lag_s=0.5,
        delay_at_least_s=least_s,
        delay_at_most_s=most_s,
        **changes,
    )


def missing(least_s: float, at: datetime = NOON - HOUR) -> None:
    """Create an item that was still not available after this many seconds."""
    item(at, status="retrying", attempts=2, not_found_count=2, delay_at_least_s=least_s)


def summary_of_day() -> TimingSummary:
    return summarize(Selection(DAY).media())


def total(period: Period) -> Tally:
    return Tally.sum(tallies_of(Selection(period)).values())


def test_percentiles_are_computed_for_both_bounds_of_a_delay() -> None:
    for number in range(1, 5):
        found(number, 2 * number)
    assert summary_of_day().at_least == pytest.approx([2.5, 3.85, 3.97])
    assert summary_of_day().at_most == pytest.approx([5, 7.7, 7.94])


def test_media_that_is_not_available_yet_has_no_upper_bound() -> None:
    found(0, 1)
    missing(30)
    missing(40)
    assert summary_of_day().at_least == pytest.approx([30, 39, 39.8])
    assert summary_of_day().at_most == [inf, inf, inf]


def test_a_few_items_that_never_become_available_do_not_hide_the_median() -> None:
    for _ in range(9):
        found(0, 1)
    missing(99)
    most = summary_of_day().at_most
    assert most is not None
    assert most[0] == 1
    assert most[2] == inf


def test_items_without_an_attempt_or_with_another_failure_have_no_measured_delay() -> None:
    item(status="queued")
    item(status="failed", attempts=1, queue_lag_s=2.0, delay_at_least_s=0.0)
    day = summary_of_day()
    assert (day.measured, day.at_least, day.at_most) == (0, None, None)
    assert day.lag == [2, 2, 2]


def test_outcomes_are_counted() -> None:
    found(0, 1)
    found(2, 3)
    missing(5)
    item(status="failed", attempts=1)
    item(status="absent")
    item(status="queued")
    day = summary_of_day()
    assert (day.media, day.attempted, day.early) == (6, 4, 2)
    assert (day.stored, day.failed, day.absent, day.waiting) == (2, 1, 1, 2)
    assert day.early_share == 0.5


def test_a_period_without_items_has_no_figures() -> None:
    day = summary_of_day()
    assert (day.media, day.waiting, day.early_share, day.lag) == (0, 0, None, None)


def test_a_period_includes_its_beginning_and_excludes_its_end() -> None:
    for at in (DAY.since, DAY.until, DAY.since - timedelta(microseconds=1)):
        item(at)
    assert summary_of_day().media == 1
    assert total(DAY).webhooks == 1


def test_only_items_and_webhooks_that_match_the_filters_are_counted() -> None:
    found(0, 1, content_type="image/png")
    item(inbound=make.recording(), content_type="audio/wav")
    item(account_sid="AC" + "9" * 32)
    assert Selection(DAY).media().count() == 3
    assert Selection(DAY, kind=Kind.RECORDING).media().count() == 1
    assert Selection(DAY, account_sid=make.ACCOUNT).media().count() == 2
    assert Selection(DAY, content_type="image/png").media().count() == 1
    assert Selection(DAY, kind=Kind.RECORDING).webhooks().count() == 1


def test_a_link_preserves_the_selection() -> None:
    asked = Selection.from_query({"period": "7d", "kind__exact": "message"}, NOON)
    assert asked == Selection(Period.named("7d", NOON), kind="message")
    query = asked.query(status__exact="failed")
    assert query == "kind__exact=message&status__exact=failed&period=7d"


def test_existing_values_are_the_choices_of_a_filter() -> None:
    found(0, 1, content_type="image/png")
    assert filter_choices()["content_type"] == [("image/png", "image/png")]
    assert filter_choices()["account_sid"] == [(make.ACCOUNT, make.ACCOUNT)]


def test_each_bucket_has_its_own_figures_and_empty_buckets_are_included() -> None:
    found(1, 2, at=NOON - timedelta(minutes=30))
    found(3, 4, at=NOON - timedelta(hours=2))
    buckets = summaries_over_time(DAY, tallies_of(Selection(DAY)))
    assert list(buckets) == [DAY.since + hours * HOUR for hours in range(24)]
    assert {at: row.media for at, row in buckets.items() if row.media} == {
        NOON - HOUR: 1,
        NOON - 2 * HOUR: 1,
    }
    assert buckets[NOON - HOUR].at_most == [2, 2, 2]
    assert buckets[NOON - 3 * HOUR].at_most is None


def test_the_last_microsecond_of_a_bucket_is_still_in_it() -> None:
    found(1, 2, at=NOON - HOUR - timedelta(microseconds=1))
    found(1, 2, at=NOON - HOUR)
    buckets = summaries_over_time(DAY, tallies_of(Selection(DAY)))
    assert (buckets[NOON - 2 * HOUR].media, buckets[NOON - HOUR].media) == (1, 1)


def test_a_period_that_begins_within_a_bucket_includes_that_bucket() -> None:
    half = timedelta(minutes=30)
    period = Period(DAY.since + half, DAY.until + half)
    buckets = summaries_over_time(period, tallies_of(Selection(period)))
    assert len(buckets) == 25
    assert next(iter(buckets)) == DAY.since


@pytest.mark.parametrize(
    ("length", "step"),
    [
        (HOUR, timedelta(minutes=5)),
        (24 * HOUR, HOUR),
        (7 * 24 * HOUR, 6 * HOUR),
        (30 * 24 * HOUR, 24 * HOUR),
        (2000 * 24 * HOUR, 7 * 24 * HOUR),
        (timedelta(seconds=1), timedelta(minutes=5)),
    ],
)
def test_a_longer_period_has_longer_buckets(length: timedelta, step: timedelta) -> None:
    assert bucket_length(length) == step


def test_early_404s_are_counted_per_hour_of_a_week() -> None:
    found(1, 2)
    found(0, 2)
    week = Period.named("7d", NOON)
    hours = early_over_time(week, tallies_of(Selection(week)))
    assert len(hours) == 7 * 24
    assert (hours[NOON - HOUR].attempted, hours[NOON - HOUR].early) == (2, 1)


def test_the_distribution_has_a_lower_and_an_upper_bound() -> None:
    found(0, 0.5)
    found(1, 2)
    found(3, 100)
    missing(5000)
    found_after = delay_distribution(total(DAY))
    bounds = {point.seconds: (point.lower, point.upper) for point in found_after.points}
    assert found_after.measured == 4
    assert bounds[0.2] == (0, 1)
    assert bounds[0.5] == (1, 1)
    assert bounds[2] == (2, 2)
    assert bounds[3] == (2, 3)
    assert bounds[120] == (3, 3)
    assert bounds[POINTS_S[-1]] == (3, 4)


def test_stored_items_are_counted_by_their_number_of_attempts() -> None:
    for attempts in (1, 1, 3, 11, 17):
        item(status="stored", attempts=attempts)
    item(status="failed", attempts=2)
    counts = attempts_until_stored(total(DAY))
    assert {number: count for number, count in counts.items() if count} == {
        1: 2,
        3: 1,
        MANY_ATTEMPTS: 2,
    }
