from __future__ import annotations

from mediapipe.fetching.schedule import Schedule
from mediapipe.timing.percent import percent
from mediapipe.timing.retry_lab.comparison import Comparison
from mediapipe.timing.retry_lab.intervals import DelayIntervals
from mediapipe.timing.retry_lab.policies import duration
from mediapipe.timing.retry_lab.proposal import SHARE_TOLERANCE
from mediapipe.timing.retry_lab.replay import PolicyResult

YOURS = "yours"
# Requests per media item within which two schedules cost the same.
SAME_REQUESTS = 0.005
COLUMNS = (
    "schedule",
    "retrieved",
    "excess wait, mean",
    "excess wait, p95",
    "requests per media item",
)
BRACKETS = "In brackets: the bounds of each figure, because a delay is only known as an interval."
NO_DATA = "None of these media items has a known delay: there is nothing to replay."


def cells(result: PolicyResult) -> tuple[str, str, str, str, str]:
    """Return a row under COLUMNS: the estimates, with their bounds in brackets."""
    policy, estimate, best, worst = result.policy, result.estimate, result.best, result.worst
    name = f"{policy.name}: {schedule_label(policy.schedule)}" if policy.schedule else policy.name
    return (
        name,
        f"{percent(estimate.retrieved, 2)} "
        f"({percent(worst.retrieved, 2)} to {percent(best.retrieved, 2)})",
        f"{estimate.excess_mean_s:.2f} s ({best.excess_mean_s:.2f} to {worst.excess_mean_s:.2f})",
        f"{estimate.excess_p95_s:.2f} s ({best.excess_p95_s:.2f} to {worst.excess_p95_s:.2f})",
        f"{estimate.requests:.2f} ({best.requests:.2f} to {worst.requests:.2f})",
    )


def sample_note(intervals: DelayIntervals) -> str:
    """Return a sentence that says how many media items the figures include."""
    if intervals.sampled:
        return (
            f"Sampled: {intervals.used:,} of {intervals.total:,} media items, "
            "spread evenly over the period."
        )
    return f"Media items with a known or bounded delay: {intervals.used:,}."


def proposal_sentence(comparison: Comparison) -> str:
    """Return the proposal as a sentence, or the reason for having none."""
    budget = f"{comparison.budget:.2f} requests per media item"
    if comparison.proposal is None:
        return (
            f"No schedule with at most {budget} retrieves as much as the current one: "
            "raise the budget."
        )
    current, proposal = (result.estimate for result in comparison.results[:2])
    if comparison.proposal.schedule == Schedule.from_settings():
        return f"The current schedule has the shortest wait with at most {budget}."
    waits = (
        f"{proposal.excess_mean_s:.2f} s on average after the media is available instead of "
        f"{current.excess_mean_s:.2f} s"
    )
    less = 1 - proposal.excess_mean_s / current.excess_mean_s if current.excess_mean_s else 0.0
    if less <= 0:
        return f"With at most {budget}, this schedule has the shortest wait: {waits}."
    same = proposal.requests <= current.requests + SAME_REQUESTS
    more = "the same" if same else f"{proposal.requests / current.requests - 1:.0%} more"
    most = f"at most {comparison.budget:.2f} per media item"
    return f"{less:.0%} less waiting for {more} requests, {most}: {waits}."


def retrieves_less(result: PolicyResult, comparison: Comparison) -> bool:
    """Return whether this policy retrieves less than the current one, which shortens its waits."""
    current = comparison.results[0].estimate.retrieved
    return result.estimate.retrieved < current - SHARE_TOLERANCE


def schedule_label(schedule: Schedule) -> str:
    return (
        f"{duration(schedule.first_delay_s)} x {schedule.factor:g}, at most "
        f"{duration(schedule.max_delay_s)}, for {duration(schedule.fast_window_s)}"
        f"{'' if schedule.slow_s else ', no slow phase'}"
    )
