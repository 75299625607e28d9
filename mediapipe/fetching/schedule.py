"""When to try again: the fast phase of Celery's countdowns, then the slow phase of the sweep."""

import random
from dataclasses import dataclass

from django.conf import settings

from mediapipe.failures import OurFault, TransientFailure
from mediapipe.models.status import Phase

# Items that became due in one burst do not come back as one; never earlier than the first delay.
JITTER = 0.15
# A wait is cut short where the fast phase ends before it, if so much of it is left: without that,
# what comes in the last minute of the phase would wait for the first step of the slow one. More
# than SPREAD, or another cut would follow.
MIN_REMAINING = 0.3
# How long an item waits while the trouble is ours: short, because nothing is held against it.
OUR_FAULT_DELAY_S = 30.0


@dataclass(frozen=True, slots=True)
class RetryDelay:
    """The seconds until the next attempt, and whether they use up a step of the schedule."""

    phase: Phase
    delay_s: float
    counts: bool = True


def next_delay(
    failure: TransientFailure, *, fast_retries: int, slow_retries: int, elapsed_s: float
) -> RetryDelay | None:
    """Return how long to wait after this failure, or None when the schedule is used up.

    `fast_retries` and `slow_retries` count the waits of each phase before this one;
    `elapsed_s` is the time since the first attempt of this budget.
    """
    if isinstance(failure, OurFault):
        # From the database, so that a backlog comes back in the bounded batches of the sweep.
        return RetryDelay(Phase.SLOW, _spread(OUR_FAULT_DELAY_S), counts=False)
    left_s = settings.RETRY_FAST_WINDOW_S - elapsed_s
    delay_s = _at_least(failure.retry_after_s, _cut(fast_delay_s(fast_retries), left_s))
    if not slow_retries and delay_s <= left_s:
        return RetryDelay(Phase.FAST, delay_s)
    if slow_retries < len(settings.RETRY_SLOW_SCHEDULE_S):
        step_s = settings.RETRY_SLOW_SCHEDULE_S[slow_retries]
        return RetryDelay(Phase.SLOW, _at_least(failure.retry_after_s, _spread(step_s)))
    return None


def fast_delay_s(retries: int) -> float:
    """Return the seconds before fast retry number `retries`, counted from 0, with its spread."""
    # The exponent is bounded because 10.0 ** 309 overflows.
    delay_s = settings.RETRY_FIRST_DELAY_S * settings.RETRY_FACTOR ** min(retries, 64)
    return max(settings.RETRY_FIRST_DELAY_S, _spread(min(delay_s, settings.RETRY_MAX_DELAY_S)))


def _cut(delay_s: float, left_s: float) -> float:
    """Cut a wait that would cross the end of the fast phase, so that its last attempt is there."""
    if not MIN_REMAINING * delay_s < left_s < delay_s:
        return delay_s
    return max(settings.RETRY_FIRST_DELAY_S, left_s * random.uniform(1 - JITTER, 1))


def _spread(delay_s: float) -> float:
    return delay_s * random.uniform(1 - JITTER, 1 + JITTER)


def _at_least(retry_after_s: float | None, delay_s: float) -> float:
    """Honour Retry-After, but never beyond the fast window: it may say 999999999999."""
    if retry_after_s is None:
        return delay_s
    return max(delay_s, min(retry_after_s, settings.RETRY_FAST_WINDOW_S))
