"""How the delays are spread: which share of the media was there after so many seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from django.db.models import Case, Count, Expression, F, IntegerField, When
from django.db.models.lookups import LessThanOrEqual

from mediapipe.timing.delays import AT_MOST, MEASURED
from mediapipe.timing.selection import Selection

MINUTE_S, HOUR_S = 60.0, 3600.0
# Where the curve is looked at, in seconds: close where most media arrives, wide where the slow
# phase waits for hours.
MARKS_S = (
    *(0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0),
    *(MINUTE_S, 2 * MINUTE_S, 5 * MINUTE_S, 10 * MINUTE_S, 30 * MINUTE_S),
    *(HOUR_S, 3 * HOUR_S, 6 * HOUR_S, 12 * HOUR_S, 24 * HOUR_S, 48 * HOUR_S),
)
BEYOND = len(MARKS_S)


@dataclass(frozen=True, slots=True)
class Watermark:
    """How many media were there after so many seconds: at the least for sure, at most perhaps."""

    seconds: float
    surely: int
    perhaps: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """The empirical distribution of so many intervals, at each of MARKS_S."""

    measured: int
    marks: list[Watermark]


def distribution(selection: Selection) -> Distribution:
    """Return how many media were there after each of MARKS_S, as far as can be known.

    An item counts as surely there once its upper bound has passed, as perhaps there once its
    lower bound has.
    """
    marks = _mark_of(F("delay_at_least_s")), _mark_of(AT_MOST)
    rows = selection.media().filter(MEASURED).values_list(*marks)
    counts = rows.annotate(number=Count("*")).order_by()
    perhaps, surely = Counter[int](), Counter[int]()
    for least, most, number in counts:
        perhaps[least] += number
        surely[most] += number
    both = zip(MARKS_S, _running(surely), _running(perhaps), strict=True)
    return Distribution(surely.total(), [Watermark(*mark) for mark in both])


def _mark_of(seconds: Expression | F) -> Case:
    """Return the number of the first mark that is not before these seconds."""
    whens = [
        When(LessThanOrEqual(seconds, mark_s), then=number) for number, mark_s in enumerate(MARKS_S)
    ]
    return Case(*whens, default=BEYOND, output_field=IntegerField())


def _running(counts: Counter[int]) -> Iterable[int]:
    return accumulate(counts[number] for number in range(BEYOND))
