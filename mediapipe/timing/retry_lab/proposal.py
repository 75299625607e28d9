from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from mediapipe.fetching.schedule import Schedule
from mediapipe.timing.retry_lab.intervals import FloatArray
from mediapipe.timing.retry_lab.policies import Policy
from mediapipe.timing.retry_lab.replay import PolicyFigures, estimate_figures

FIRST_DELAYS_S = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
FACTORS = (1.0, 1.25, 1.5, 2.0, 3.0)
MAX_DELAYS_S = (5.0, 10.0, 30.0, 60.0, 120.0)
# Up to the default: a longer fast phase keeps more countdowns in the workers' memory.
FAST_WINDOWS_S = (60.0, 120.0, 300.0)
# Enough for ranking; the proposal is replayed again with more draws.
DRAWS = 6
# A schedule that retrieves less than the current one is no improvement, however short its waits.
SHARE_TOLERANCE = 0.0005


@dataclass(frozen=True, slots=True)
class Candidate:
    schedule: Schedule
    figures: PolicyFigures

    @property
    def wait_s(self) -> float:
        return self.figures.excess_mean_s


def candidates(
    share: FloatArray, response_s: float, current: Schedule, retrieved: float
) -> list[Candidate]:
    """Return every schedule of the grid that retrieves at least this share (0 to 1).

    The slow phase is that of the current schedule.
    """
    found = []
    grid = product(FIRST_DELAYS_S, FACTORS, MAX_DELAYS_S, FAST_WINDOWS_S)
    for first_delay_s, factor, max_delay_s, fast_window_s in grid:
        # Without growth the cap is never reached, so one of them is enough.
        if factor == 1 and max_delay_s != MAX_DELAYS_S[0]:
            continue
        schedule = replace(
            current,
            first_delay_s=first_delay_s,
            factor=factor,
            max_delay_s=max_delay_s,
            fast_window_s=fast_window_s,
        )
        figures = estimate_figures(Policy("", schedule=schedule), share, response_s, DRAWS)
        if figures.retrieved >= retrieved - SHARE_TOLERANCE:
            found.append(Candidate(schedule, figures))
    return found


def best_candidate(found: list[Candidate], budget: float) -> Candidate | None:
    """Return the candidate with the shortest mean excess wait within the budget.

    `budget`: the maximum number of requests per media item. None if every candidate needs more.
    """
    allowed = [each for each in found if each.figures.requests <= budget]
    return min(allowed, key=lambda each: (each.wait_s, each.figures.requests), default=None)


def frontier(found: list[Candidate]) -> list[Candidate]:
    """Return the Pareto frontier of requests and wait, fewest requests first."""
    best: list[Candidate] = []
    for candidate in sorted(found, key=lambda each: (each.figures.requests, each.wait_s)):
        if not best or candidate.wait_s < best[-1].wait_s:
            best.append(candidate)
    return best
