from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mediapipe.escalation.detection.baseline import Accounts, baseline_count, baseline_of_hours
from mediapipe.escalation.detection.counts import LATE
from mediapipe.models import HourlyCounts, MediaItem, NotFoundCause
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.hourly import count_hours
from mediapipe.timing.period import Period
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NOON = datetime(2026, 7, 20, 12, tzinfo=UTC)
OTHER = "AC" + "b2" * 16
EVERY: Accounts = ("", ())


def create_item(
    at: datetime, *, sid: str = make.ACCOUNT, early: bool = True, cause: str = ""
) -> None:
    item = make.media(make.message(account_sid=sid), at)
    MediaItem.objects.filter(pk=item.pk).update(
        status="stored",
        attempts=1,
        not_found_count=int(early),
        delay_at_least_s=1.0,
        not_found_because=cause,
    )


def window(since: datetime, hours: float) -> Period:
    return Period(since, since + timedelta(hours=hours))


@pytest.fixture
def week() -> None:
    """Five days with media at 9:15, 9:45 and 10:30, most of it with an early 404."""
    for day in range(1, 6):
        for minutes in (0, 30, 75):
            at = NOON - timedelta(days=day, hours=1, minutes=105 - minutes)
            create_item(at)
            create_item(at, sid=OTHER, early=minutes != 75)
    list(count_hours(NOON))


def baseline_of_rows(media: MediaQuerySet, period: Period) -> float | None:
    return baseline_count(media, period, LATE)


@pytest.mark.usefixtures("week")
@pytest.mark.parametrize(
    ("accounts", "media"),
    [
        (EVERY, MediaItem.objects.all()),
        ((OTHER, ()), MediaItem.objects.filter(account_sid=OTHER)),
        (("", (OTHER,)), MediaItem.objects.exclude(account_sid=OTHER)),
    ],
)
def test_hourly_counts_and_rows_give_the_same_baseline(
    accounts: Accounts, media: MediaQuerySet
) -> None:
    period = window(NOON - timedelta(hours=4), 4)
    found = baseline_of_hours(media.all(), period, accounts, early=True)
    assert found == baseline_of_rows(media.all(), period)
    assert found
    traffic = baseline_of_hours(media.all(), period, accounts, early=False)
    assert traffic and traffic >= found


@pytest.mark.usefixtures("week")
def test_the_baseline_is_read_from_hourly_counts_without_counting_rows() -> None:
    period = window(NOON - timedelta(hours=4), 4)
    with CaptureQueriesContext(connection) as captured:
        baseline_of_hours(MediaItem.objects.all(), period, EVERY, early=False)
    assert not any("COUNT(" in query["sql"] for query in captured)


@pytest.mark.usefixtures("week")
def test_half_an_hour_contributes_half_of_its_hours_count() -> None:
    period = window(NOON - timedelta(minutes=150), 1)
    # The hour from 9 has four such items, the hour from 10 has one.
    assert baseline_of_hours(MediaItem.objects.all(), period, EVERY, early=True) == 2.5


@pytest.mark.usefixtures("week")
def test_the_rows_are_read_if_an_hour_has_not_been_counted() -> None:
    HourlyCounts.objects.filter(start=NOON - timedelta(days=2)).update(counted_at=None)
    period = window(NOON - timedelta(hours=4), 4)
    everything = MediaItem.objects.all()
    assert baseline_of_hours(everything, period, EVERY, early=True) == baseline_of_rows(
        everything, period
    )


@pytest.mark.usefixtures("week")
def test_404s_with_another_cause_are_not_counted() -> None:
    for day in range(1, 6):
        at = NOON - timedelta(days=day, hours=1)
        create_item(at, cause=NotFoundCause.DELETED.value)
    HourlyCounts.objects.all().delete()
    list(count_hours(NOON))
    period = window(NOON - timedelta(hours=4), 4)
    everything = MediaItem.objects.all()
    assert baseline_of_hours(everything, period, EVERY, early=True) == baseline_of_rows(
        everything, period
    )
