"""What is usual at these hours of the day, as far as the fortnight before tells."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any

from django.db.models import Aggregate, Count, Q

from mediapipe.models.media.item import MediaQuerySet
from mediapipe.models.percentiles import Percentiles
from mediapipe.timing.period import Period

DAYS = 14
# With fewer of them there is no telling what is usual.
LEAST_DAYS = 3


def usual_count(
    media: MediaQuerySet, period: Period, only: Q, *, field: str = "received_at"
) -> float | None:
    """Return how many of these media meet `only` in the hours of the period on a usual day.

    It is the median of the days before, so that a past outbreak or an idle Sunday changes
    nothing; None where there are too few days. `field` is the time that is looked at.
    """
    return _usual(media, period, only, field, lambda hours: Count("pk", filter=hours))


def usual_p95_s(media: MediaQuerySet, period: Period, only: Q) -> float | None:
    """Return the p95 of the propagation delay in the hours of the period on a usual day."""

    def p95(hours: Q) -> Aggregate:
        return Percentiles("delay_at_least_s", (0.95,), filter=hours)

    return _usual(media, period, only, "received_at", p95)


def _usual(
    media: MediaQuerySet,
    period: Period,
    only: Q,
    field: str,
    aggregate: Callable[[Q], Aggregate],
) -> float | None:
    days = _days_before(media, period)
    if len(days) < LEAST_DAYS:
        return None
    hours = [Q(**{f"{field}__gte": day.since, f"{field}__lt": day.until}) for day in days]
    # An index finds these, where the single days would be looked for in every row.
    span = Q(**{f"{field}__gte": days[-1].since, f"{field}__lt": days[0].until})
    columns = {f"day_{number}": aggregate(day) for number, day in enumerate(hours)}
    found = media.filter(span, only).order_by().aggregate(**columns)
    return median(_number(value) for value in found.values())


def _days_before(media: MediaQuerySet, period: Period) -> list[Period]:
    """Return the same hours of each day before, back to the first of these media."""
    first = media.order_by("received_at").values_list("received_at", flat=True).first()
    shifts = [timedelta(days=number) for number in range(1, DAYS + 1)]
    days = [Period(period.since - shift, period.until - shift) for shift in shifts]
    return [day for day in days if first and day.since >= first]


def _number(value: Any) -> float:
    return float((value[0] if isinstance(value, list) else value) or 0)
