"""A comparison in words: the same in the command and in the admin."""

from __future__ import annotations

from mediapipe.fetching.schedule import Schedule
from mediapipe.timing.retry_lab.comparison import Comparison
from mediapipe.timing.retry_lab.history import Delays
from mediapipe.timing.retry_lab.policies import Policy, duration
from mediapipe.timing.retry_lab.proposal import SHARE_TOLERANCE
from mediapipe.timing.retry_lab.replay import Outcome

YOURS = "yours"
COLUMNS = ("schedule", "retrieved", "excess wait, mean", "excess wait, p95", "requests a media")
BRACKETS = (
    "In brackets: the bounds of each figure, because a delay is only known to lie in an interval."
)
NOTHING = "None of these media tells how late it was: there is nothing to replay."


def cells(outcome: Outcome) -> tuple[str, str, str, str, str]:
    """Return a row under COLUMNS: each figure as estimated, and between which bounds it lies."""
    estimate, best, worst = outcome.estimate, outcome.best, outcome.worst
    return (
        _named(outcome.policy),
        f"{estimate.retrieved:.2%} ({worst.retrieved:.2%} to {best.retrieved:.2%})",
        _seconds(estimate.excess_mean_s, best.excess_mean_s, worst.excess_mean_s),
        _seconds(estimate.excess_p95_s, best.excess_p95_s, worst.excess_p95_s),
        f"{estimate.requests:.2f} ({best.requests:.2f} to {worst.requests:.2f})",
    )


def what_was_taken(delays: Delays) -> str:
    """Return how many media items the figures are about, and whether that is a sample."""
    if delays.sampled:
        return (
            f"Sampled: {delays.taken} of {delays.total} media items, spread evenly over the period."
        )
    return f"All {delays.taken} media items whose delay is known or bounded."


def what_is_proposed(comparison: Comparison) -> str:
    """Return the proposal, or why there is none, as a sentence."""
    budget = f"{comparison.budget:.2f} requests a media item"
    if comparison.proposal is None:
        return f"No schedule retrieves as much as the present one with {budget}: raise the budget."
    present, proposal = (outcome.estimate for outcome in comparison.outcomes[:2])
    if comparison.proposal.schedule == Schedule.from_settings():
        return f"The present schedule waits least of those that cost at most {budget}."
    return (
        f"With at most {budget}, this schedule waits least: {proposal.excess_mean_s:.2f} s on "
        f"average instead of {present.excess_mean_s:.2f} s."
    )


def misses(outcome: Outcome, comparison: Comparison) -> bool:
    """Tell whether this policy retrieves less than the present one, so that it waits less too."""
    present = comparison.outcomes[0].estimate.retrieved
    return outcome.estimate.retrieved < present - SHARE_TOLERANCE


def in_words(schedule: Schedule) -> str:
    """Return the fast phase as people say it, and whether a slow one follows."""
    return (
        f"{duration(schedule.first_delay_s)} x {schedule.factor:g}, at most "
        f"{duration(schedule.max_delay_s)}, for {duration(schedule.fast_window_s)}"
        f"{'' if schedule.slow_s else ', no slow phase'}"
    )


def _named(policy: Policy) -> str:
    return f"{policy.name}: {in_words(policy.schedule)}" if policy.schedule else policy.name


def _seconds(estimate: float, best: float, worst: float) -> str:
    return f"{estimate:.2f} s ({best:.2f} to {worst:.2f})"
