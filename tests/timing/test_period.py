from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone
from pytest_django import Settings

from mediapipe.timing.period import LENGTHS, InvalidPeriod, Period

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def from_query(query: str) -> Period:
    return Period.from_query(QueryDict(query), NOW)


def test_a_named_period_ends_now() -> None:
    assert from_query("period=7d") == Period(NOW - timedelta(days=7), NOW, "7d")


def test_the_default_is_the_last_7_days() -> None:
    assert from_query("") == from_query("period=7d")


def test_two_times_make_a_period() -> None:
    since, until = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, 10, tzinfo=UTC)
    assert from_query("since=2026-01-01T00:00:00Z&until=2026-01-02T12:00%2B02:00") == Period(
        since, until
    )


def test_a_period_ends_now_without_an_end_and_lasts_7_days_without_a_beginning() -> None:
    assert from_query("since=2026-07-01T00:00Z").until == NOW
    assert from_query("until=2026-07-01T00:00Z").length == timedelta(days=7)


def test_a_time_without_an_offset_is_read_in_the_time_zone_of_the_admin() -> None:
    with timezone.override("Europe/Berlin"):
        assert from_query("since=2026-07-01T12:00").since == datetime(2026, 7, 1, 10, tzinfo=UTC)


def test_an_unescaped_plus_sign_is_accepted() -> None:
    assert from_query("since=2026-07-01T02:00+02:00").since == datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("period=1y", "use one of 1h, 24h, today, yesterday, 7d, 30d"),
        ("since=yesterday", "'yesterday' is not a time"),
        ("since=0001-01-01T00:00%2B23:00", "is not a time"),
        ("since=2026-07-01T12:00Z&until=2026-07-01T11:00Z", "ends before it begins"),
        ("since=2026-07-01T12:00Z&until=2026-07-01T12:00Z", "ends before it begins"),
        ("since=2027-07-01T12:00Z", "ends before it begins"),
        ("since=0001-01-02T00:00Z", "is not between 2000 and 2100"),
        ("until=9999-12-31T00:00Z", "is not between 2000 and 2100"),
    ],
)
def test_an_invalid_period_is_explained_in_a_sentence(query: str, message: str) -> None:
    with pytest.raises(InvalidPeriod, match=message):
        from_query(query)


@pytest.mark.parametrize("query", [*(f"period={name}" for name in LENGTHS), "since=2026-01-01"])
def test_a_link_to_a_period_leads_to_the_same_period(query: str) -> None:
    assert from_query(from_query(query).query(status__exact="failed")) == from_query(query)


def test_the_preceding_period_ends_where_this_one_begins() -> None:
    period = from_query("period=1h")
    assert period.preceding() == Period(NOW - timedelta(hours=2), NOW - timedelta(hours=1))


def test_today_and_yesterday_are_days_in_the_configured_time_zone(settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Kolkata"
    today, yesterday = from_query("period=today"), from_query("period=yesterday")
    midnight = datetime(2026, 6, 30, 18, 30, tzinfo=UTC)
    assert (today.since, today.until) == (midnight, NOW)
    assert (yesterday.since, yesterday.until) == (midnight - timedelta(days=1), midnight)


def test_yesterday_has_23_hours_after_the_change_to_summer_time(settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    after_the_change = datetime(2026, 3, 30, 12, tzinfo=UTC)
    assert Period.named("yesterday", after_the_change).length == timedelta(hours=23)
