"""Compares a figure with the same figure of the period before; higher is worse for all of them.

A change is reported only if the data shows it: if the intervals that contain the two figures do
not overlap. Each interval allows for what is unknown about the individual delays, and for chance
in a sample of this size.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from math import ceil, inf, sqrt

from mediapipe.models.delay_bins import EDGES_S
from mediapipe.timing.summary import SHARES
from mediapipe.timing.tally import Tally

# With fewer items, neither a share nor a percentile says much.
MIN_ITEMS = 20
# 95% of a normal distribution is within this many standard deviations.
DEVIATIONS = 1.96
# With very many items, a change of a few percent is certain but of no consequence.
NOTICEABLE = 1.1


class Trend(StrEnum):
    """How a figure compares with that of the period before."""

    WORSE = "worse"
    BETTER = "better"
    UNCLEAR = "no clear change"
    TOO_FEW = "too few items to compare"


@dataclass(frozen=True, slots=True)
class Figure:
    """The interval that contains a figure, in seconds or as a share, and its number of items."""

    least: float
    most: float
    items: int

    def trend(self, before: Figure) -> Trend:
        """Return how this figure compares with that of the period before."""
        if min(self.items, before.items) < MIN_ITEMS:
            return Trend.TOO_FEW
        if self.least > NOTICEABLE * before.most:
            return Trend.WORSE
        return Trend.BETTER if before.least > NOTICEABLE * self.most else Trend.UNCLEAR


def delay_figure(tally: Tally, number: int) -> Figure:
    """Return percentile `number` of SHARES of the propagation delays (s)."""
    least, _ = _ranks(tally.at_least, SHARES[number])
    _, most = _ranks(tally.at_most, SHARES[number])
    return Figure(_edge(least), _edge(most), sum(tally.at_most))


def lag_figure(tally: Tally, number: int) -> Figure:
    """Return percentile `number` of SHARES of the queue lags (s), which were rounded up."""
    least, most = _ranks(tally.lag, SHARES[number])
    return Figure(_edge(max(0, least - 1)), _edge(most), sum(tally.lag))


def share_figure(part: int, items: int) -> Figure:
    """Return the share of `part` in `items`: Wilson's score interval."""
    if not items:
        return Figure(0.0, 1.0, 0)
    share, doubt = part / items, DEVIATIONS**2 / items
    middle = (share + doubt / 2) / (1 + doubt)
    margin = sqrt(doubt * (share * (1 - share) + doubt / 4)) / (1 + doubt)
    return Figure(middle - margin, middle + margin, items)


def _ranks(counts: Sequence[int], share: float) -> tuple[int, int]:
    """Return the indexes of the edges between which the percentile of this share lies.

    The number of items below a percentile is binomial: this is the interval of order statistics.
    """
    upto = list(accumulate(counts))
    items = upto[-1]
    if not items:
        return 0, len(EDGES_S)
    margin = DEVIATIONS * sqrt(items * share * (1 - share))
    middle = share * (items - 1)
    least, most = max(0, int(middle - margin)), min(items - 1, ceil(middle + margin))
    return bisect_right(upto, least), bisect_right(upto, most)


def _edge(number: int) -> float:
    return (*EDGES_S, inf)[number]
