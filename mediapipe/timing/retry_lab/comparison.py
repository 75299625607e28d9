"""Everything that the lab says about some media: the command and the admin show the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mediapipe.fetching.schedule import Schedule
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.retry_lab.estimate import distribution
from mediapipe.timing.retry_lab.history import Delays, recorded
from mediapipe.timing.retry_lab.policies import KNOWN, Policy
from mediapipe.timing.retry_lab.proposal import Candidate, candidates, frontier, proposed
from mediapipe.timing.retry_lab.replay import Outcome, estimated, outcome

PRESENT = "as it is set"
PROPOSED = "proposed"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The delays, the policies' outcomes (the present one first), and what is proposed.

    `budget` is the number of requests a media item that the proposal may cost; `proposal` is
    None where no schedule keeps to it and retrieves as much as the present one.
    """

    delays: Delays
    outcomes: list[Outcome]
    frontier: list[Candidate]
    budget: float
    proposal: Candidate | None


def compare(
    media: MediaQuerySet, *, others: Sequence[Policy] = (), budget: float | None = None
) -> Comparison | None:
    """Replay the delays of these media; None if there are none.

    `budget`: requests a media item, those of the present schedule unless said otherwise.
    """
    delays = recorded(media)
    if not delays.taken:
        return None
    share = distribution(delays)
    schedule = Schedule.from_settings()
    present = Policy(PRESENT, schedule=schedule)
    figures = estimated(present, share, delays.response_s)
    budget = figures.requests if budget is None else budget
    grid = candidates(share, delays.response_s, schedule, figures.retrieved)
    best = proposed(grid, budget)
    policies = [present, *others, *KNOWN]
    if best:
        policies.insert(1, Policy(PROPOSED, schedule=best.schedule))
    outcomes = [outcome(policy, share, delays) for policy in policies]
    return Comparison(delays, outcomes, frontier(grid), budget, best)
