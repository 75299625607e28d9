from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from statistics import median

from django.db.models import Aggregate, Count, Q

from mediapipe.models.media.item import MediaQuerySet
from mediapipe.models.percentiles import Percentiles
from mediapipe.timing.period import Period

DAYS = 14
# With fewer days there is no telling what is normal.
MIN_DAYS = 3


def baseline_count(
    media: MediaQuerySet, period: Period, only: Q, *, field: str = "received_at"
) -> float | None:
    """Return how many of these media meet `only` in the period's hours of a normal day.

    `field` is the time that decides which day an item belongs to. The result is a median, so that
    a past outbreak or an idle Sunday does not change it; None with too few days.
    """
    return _baseline(media, period, only, field, lambda hours: Count("pk", filter=hours))


def baseline_p95_s(media: MediaQuerySet, period: Period, only: Q) -> float | None:
    """Return the p95 of the propagation delay in the period's hours of a normal day."""

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
    first = media.order_by("received_at").values_list("received_at", flat=True).first()
    shifts = [timedelta(days=number) for number in range(1, DAYS + 1)]
    days = [Period(period.since - shift, period.until - shift) for shift in shifts]
    # Days before the first item say nothing about what is normal.
    days = [day for day in days if first and day.since >= first]
    if len(days) < MIN_DAYS:
        return None
    hours = [Q(**{f"{field}__gte": day.since, f"{field}__lt": day.until}) for day in days]
    # One range for the index to find; with the single days alone every row would be read.
    span = Q(**{f"{field}__gte": days[-1].since, f"{field}__lt": days[0].until})
    columns = {f"day_{number}": aggregate(day) for number, day in enumerate(hours)}
    found = media.filter(span, only).order_by().aggregate(**columns)
    # Percentiles come as a list, and as None for a day without media.
    values = (value[0] if isinstance(value, list) else value for value in found.values())
    return median(float(value or 0) for value in values)
