from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from mediapipe.models.delay_bins import EDGES_S, POINTS_S
from mediapipe.models.status import Status
from mediapipe.timing.tally import MANY_ATTEMPTS, Tally


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Bounds of how many media items were available after this many seconds."""

    seconds: float
    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class DelayDistribution:
    """The empirical distribution of interval-censored delays, evaluated at POINTS_S."""

    measured: int
    points: list[CurvePoint]


def delay_distribution(tally: Tally) -> DelayDistribution:
    """Return how many media items were available after each of POINTS_S.

    An item counts in `lower` once the upper bound of its delay has passed, in `upper` once the
    lower bound has.
    """
    lower, upper = (list(accumulate(counts)) for counts in (tally.at_most, tally.at_least))
    # Every point is an edge, so these counts are exact.
    places = [bisect_right(EDGES_S, point_s) - 1 for point_s in POINTS_S]
    points = [
        CurvePoint(point_s, lower[place], upper[place])
        for point_s, place in zip(POINTS_S, places, strict=True)
    ]
    return DelayDistribution(tally.count(measured=True), points)


def attempts_until_stored(tally: Tally) -> dict[int, int]:
    """Return how many items were stored after each number of attempts, up to MANY_ATTEMPTS."""
    return {
        attempts: tally.count(Status.STORED, attempts=attempts)
        for attempts in range(1, MANY_ATTEMPTS + 1)
    }
