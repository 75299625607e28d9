from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import accumulate

from django.db.models import Case, Count, Expression, F, IntegerField, When
from django.db.models.lookups import LessThanOrEqual

from mediapipe.models.status import Status
from mediapipe.timing.selection import Selection
from mediapipe.timing.summary import AT_MOST, MEASURED

MINUTE_S, HOUR_S = 60.0, 3600.0
# Where the curve is evaluated, in seconds: dense where most media arrives, sparse in the slow
# phase, which waits for hours.
POINTS_S = (
    *(0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0),
    *(MINUTE_S, 2 * MINUTE_S, 5 * MINUTE_S, 10 * MINUTE_S, 30 * MINUTE_S),
    *(HOUR_S, 3 * HOUR_S, 6 * HOUR_S, 12 * HOUR_S, 24 * HOUR_S, 48 * HOUR_S),
)
BEYOND = len(POINTS_S)
# The fast phase usually has ten attempts. More of them are counted together.
MANY_ATTEMPTS = 11


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """How many media items were available after some seconds, as bounds."""

    seconds: float
    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class DelayDistribution:
    """The empirical distribution of interval-censored delays, evaluated at POINTS_S."""

    measured: int
    points: list[CurvePoint]


def delay_distribution(selection: Selection) -> DelayDistribution:
    """Return how many media items were available after each of POINTS_S.

    An item counts in `lower` once its upper bound has passed, in `upper` once its lower has.
    """
    numbers = _point_number(F("delay_at_least_s")), _point_number(AT_MOST)
    rows = selection.media().filter(MEASURED).values_list(*numbers)
    lower, upper = Counter[int](), Counter[int]()
    for at_least, at_most, count in rows.annotate(number=Count("*")).order_by():
        upper[at_least] += count
        lower[at_most] += count
    totals = [accumulate([counts[n] for n in range(BEYOND)]) for counts in (lower, upper)]
    points = [CurvePoint(*point) for point in zip(POINTS_S, *totals, strict=True)]
    return DelayDistribution(lower.total(), points)


def _point_number(seconds: Expression | F) -> Case:
    """Return the number of the first point that is not before these seconds."""
    whens = [
        When(LessThanOrEqual(seconds, point_s), then=number)
        for number, point_s in enumerate(POINTS_S)
    ]
    return Case(*whens, default=BEYOND, output_field=IntegerField())


def attempts_until_stored(selection: Selection) -> dict[int, int]:
    """Return how many items were stored after each number of attempts, up to MANY_ATTEMPTS."""
    stored = selection.media().filter(status=Status.STORED)
    counts = Counter[int]()
    for attempts, number in stored.values_list("attempts").annotate(number=Count("*")).order_by():
        counts[min(attempts, MANY_ATTEMPTS)] += number
    return {attempts: counts[attempts] for attempts in range(1, MANY_ATTEMPTS + 1)}
