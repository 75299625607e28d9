from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mediapipe.fetching.schedule import Schedule
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.retry_lab.estimate import estimate_distribution
from mediapipe.timing.retry_lab.intervals import DelayIntervals, load_intervals
from mediapipe.timing.retry_lab.policies import KNOWN, Policy
from mediapipe.timing.retry_lab.proposal import Candidate, best_candidate, candidates, frontier
from mediapipe.timing.retry_lab.replay import PolicyResult, estimate_figures, evaluate

CURRENT = "current"
PROPOSED = "proposed"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The delays, the results of all policies (the current one first), and the proposal.

    `budget` is the maximum number of requests per media item. `proposal` is None if no schedule
    within it retrieves as much as the current one.
    """

    intervals: DelayIntervals
    results: list[PolicyResult]
    frontier: list[Candidate]
    budget: float
    proposal: Candidate | None


def compare(
    media: MediaQuerySet, *, others: Sequence[Policy] = (), budget: float | None = None
) -> Comparison | None:
    """Replay the delays of these media items; None if none of them has a known delay.

    `budget`: requests per media item, by default those of the current schedule.
    """
    intervals = load_intervals(media)
    if not intervals.used:
        return None
    share = estimate_distribution(intervals)
    current = Policy(CURRENT, schedule=Schedule.from_settings())
    figures = estimate_figures(current, share, intervals.response_s)
    budget = figures.requests if budget is None else budget
    found = candidates(share, intervals.response_s, Schedule.from_settings(), figures.retrieved)
    policies = [current, *others, *KNOWN]
    if best := best_candidate(found, budget):
        policies.insert(1, Policy(PROPOSED, schedule=best.schedule))
    results = [evaluate(policy, share, intervals) for policy in policies]
    return Comparison(intervals, results, frontier(found), budget, best)
