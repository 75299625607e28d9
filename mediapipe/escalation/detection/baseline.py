from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from statistics import median

from django.db.models import Aggregate, Count, Q

from mediapipe.escalation.detection.counts import LATE
from mediapipe.models.hourly_counts import HOUR
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.models.media.queryset import EARLY_404, EXPLAINED
from mediapipe.models.percentiles import Percentiles
from mediapipe.timing.hourly import whole_hours
from mediapipe.timing.period import Period

DAYS = 14
# Fewer days do not show what is normal.
MIN_DAYS = 3

# One account; or, if that is "", all accounts except those in the tuple.
Accounts = tuple[str, tuple[str, ...]]


def baseline_count(
    media: MediaQuerySet, period: Period, only: Q, *, field: str = "received_at"
) -> float | None:
    """Return how many of these media meet `only` on a normal day, in the hours of the period.

    `field` is the time that decides which day an item belongs to. The result is a median, so a past
    outbreak or an idle Sunday does not change it; None with fewer than MIN_DAYS days.
    """
    return _baseline(media, period, only, field, _count)


def _count(hours: Q) -> Aggregate:
    return Count("pk", filter=hours)


def baseline_of_hours(
    media: MediaQuerySet,
    period: Period,
    accounts: Accounts,
    *,
    early: bool,
) -> float | None:
    """Return about how many media arrive for these accounts on a normal day, in the same hours.

    With `early`, only those with an early 404. Uses the hourly counts, at a cost that does not grow
    with the media: the hours at both ends of the period count in proportion to the part within it.
    If an hour is not counted, queries the rows. None with fewer than MIN_DAYS days.
    """
    days = _days(media, period)
    if len(days) < MIN_DAYS:
        return None
    counted = whole_hours(Period(days[-1].since, days[0].until), *accounts)
    if counted is None:
        return baseline_count(media, period, LATE if early else Q())
    counts = {at: tally.count(early=early) for at, tally in counted.items()}
    found = [sum(_part(at, day) * count for at, count in counts.items()) for day in days]
    if early:
        others = _counts(media, days, EARLY_404 & EXPLAINED, "received_at", _count)
        found = [count - other for count, other in zip(found, others, strict=True)]
    return median(found)


def _part(start: datetime, day: Period) -> float:
    """Return the fraction of the hour that is within the day, from 0 to 1."""
    within = min(start + HOUR, day.until) - max(start, day.since)
    return max(0.0, within / HOUR)


def baseline_p95_s(media: MediaQuerySet, period: Period, only: Q) -> float | None:
    """Return the p95 of the propagation delay on a normal day in the same hours, in seconds."""

    def p95(hours: Q) -> Aggregate:
        return Percentiles("delay_at_least_s", (0.95,), filter=hours)

    return _baseline(media, period, only, "received_at", p95)


def _baseline(
    media: MediaQuerySet,
    period: Period,
    only: Q,
    field: str,
    aggregate: Callable[[Q], Aggregate],
) -> float | None:
    days = _days(media, period)
    if len(days) < MIN_DAYS:
        return None
    return median(_counts(media, days, only, field, aggregate))


def _days(media: MediaQuerySet, period: Period) -> list[Period]:
    """Return the same hours of the days before, the latest day first."""
    first = media.order_by("received_at").values_list("received_at", flat=True).first()
    shifts = [timedelta(days=number) for number in range(1, DAYS + 1)]
    days = [Period(period.since - shift, period.until - shift) for shift in shifts]
    # Days before the first item say nothing about what is normal.
    return [day for day in days if first and day.since >= first]


def _counts(
    media: MediaQuerySet,
    days: list[Period],
    only: Q,
    field: str,
    aggregate: Callable[[Q], Aggregate],
) -> list[float]:
    hours = [Q(**{f"{field}__gte": day.since, f"{field}__lt": day.until}) for day in days]
    # One range that the index can use; with the separate days alone every row would be read.
    span = Q(**{f"{field}__gte": days[-1].since, f"{field}__lt": days[0].until})
    columns = {f"day_{number}": aggregate(day) for number, day in enumerate(hours)}
    found = media.filter(span, only).order_by().aggregate(**columns)
    # Percentiles come as a list, and as None for a day without media.
    values = (value[0] if isinstance(value, list) else value for value in found.values())
    return [float(value or 0) for value in values]
