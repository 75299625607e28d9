from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from mediapipe.timing.period import LENGTHS, Period, PeriodUnreadable

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def read(query: str) -> Period:
    return Period.read(QueryDict(query), NOW)


def test_a_named_period_ends_now() -> None:
    assert read("period=7d") == Period(NOW - timedelta(days=7), NOW, "7d")


def test_without_a_word_it_is_the_last_24_hours() -> None:
    assert read("") == read("period=24h")


def test_two_times_make_a_period() -> None:
    since, until = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, 10, tzinfo=UTC)
    assert read("since=2026-01-01T00:00:00Z&until=2026-01-02T12:00%2B02:00") == Period(since, until)


def test_without_an_end_it_ends_now_and_without_a_beginning_it_lasts_a_day() -> None:
    assert read("since=2026-07-01T00:00Z").until == NOW
    assert read("until=2026-07-01T00:00Z").length == timedelta(hours=24)


def test_a_time_without_an_offset_is_in_the_time_zone_of_the_admin() -> None:
    with timezone.override("Europe/Berlin"):
        assert read("since=2026-07-01T12:00").since == datetime(2026, 7, 1, 10, tzinfo=UTC)


def test_a_plus_sign_that_nobody_escaped_is_read_all_the_same() -> None:
    assert read("since=2026-07-01T02:00+02:00").since == datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("period=1y", "write one of 1h, 24h, 7d, 30d"),
        ("since=yesterday", "'yesterday' is no time"),
        ("since=0001-01-01T00:00%2B23:00", "is no time"),
        ("since=2026-07-01T12:00Z&until=2026-07-01T11:00Z", "ends before it begins"),
        ("since=2026-07-01T12:00Z&until=2026-07-01T12:00Z", "ends before it begins"),
        ("since=2027-07-01T12:00Z", "ends before it begins"),
    ],
)
def test_what_is_no_period_is_said_in_a_sentence(query: str, said: str) -> None:
    with pytest.raises(PeriodUnreadable, match=said):
        read(query)


@pytest.mark.parametrize("query", [*(f"period={name}" for name in LENGTHS), "since=2026-01-01"])
def test_a_link_to_a_period_leads_to_the_same_period(query: str) -> None:
    assert read(read(query).query(status__exact="failed")) == read(query)


def test_the_period_before_ends_where_this_one_begins() -> None:
    period = read("period=1h")
    assert period.before() == Period(NOW - timedelta(hours=2), NOW - timedelta(hours=1))
