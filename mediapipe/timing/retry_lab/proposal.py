"""Which schedule waits least for a given number of requests a media item."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt

from mediapipe.fetching.schedule import Schedule
from mediapipe.timing.retry_lab.policies import Policy
from mediapipe.timing.retry_lab.replay import Figures, estimated

Floats = npt.NDArray[np.float64]
FIRST_DELAYS_S = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
FACTORS = (1.0, 1.25, 1.5, 2.0, 3.0)
MAX_DELAYS_S = (5.0, 10.0, 30.0, 60.0, 120.0)
# A longer fast phase would outlast the broker's patience with a waiting message.
FAST_WINDOWS_S = (60.0, 120.0, 300.0)
# Enough to put candidates in order; those that are shown are replayed again with more.
DRAWS = 6
# A schedule that retrieves less than the present one is no better one, however short it waits.
SHARE_TOLERANCE = 0.0005


@dataclass(frozen=True, slots=True)
class Candidate:
    """A schedule that could be put in force, and what it comes to."""

    schedule: Schedule
    figures: Figures


def candidates(
    share: Floats, response_s: float, present: Schedule, retrieved: float
) -> list[Candidate]:
    """Return every schedule of the grid that retrieves at least this share (0 to 1).

    The slow phase stays as it is at present.
    """
    found = [
        Candidate(schedule, estimated(Policy("", schedule=schedule), share, response_s, DRAWS))
        for schedule in _grid(present)
    ]
    return [each for each in found if each.figures.retrieved >= retrieved - SHARE_TOLERANCE]


def _grid(present: Schedule) -> Iterator[Schedule]:
    for first_s, factor, most_s, window_s in product(
        FIRST_DELAYS_S, FACTORS, MAX_DELAYS_S, FAST_WINDOWS_S
    ):
        # Without growth the cap is never reached: one of those is enough.
        if factor > 1 or most_s == MAX_DELAYS_S[0]:
            yield replace(
                present,
                first_delay_s=first_s,
                factor=factor,
                max_delay_s=most_s,
                fast_window_s=window_s,
            )


def proposed(found: list[Candidate], budget: float) -> Candidate | None:
    """Return the one with the least mean excess wait that costs no more than the budget.

    `budget`: requests a media item at most; None if every one of them costs more.
    """
    allowed = [each for each in found if each.figures.requests <= budget]
    return min(allowed, key=lambda each: (_wait_s(each), each.figures.requests), default=None)


def frontier(found: list[Candidate]) -> list[Candidate]:
    """Return those that no other one beats in both requests and wait, fewest requests first."""
    best: list[Candidate] = []
    for candidate in sorted(found, key=lambda each: (each.figures.requests, _wait_s(each))):
        if not best or _wait_s(candidate) < _wait_s(best[-1]):
            best.append(candidate)
    return best


def _wait_s(candidate: Candidate) -> float:
    return candidate.figures.excess_mean_s
