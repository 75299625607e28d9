"""The retry rule: Celery countdowns in the fast phase, database-scheduled in the slow phase."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Self

from django.conf import settings

from mediapipe.backoff import Backoff, Rng, with_jitter
from mediapipe.failures import AccountBusy, LocalFailure, TransientFailure
from mediapipe.models.status import Phase

JITTER = 0.15
# A delay that crosses the end of the fast phase is clipped to it if at least this fraction fits.
# Otherwise media that becomes available in the last minute would wait for the first slow step. The
# fraction is larger than the jitter, so the attempt after a clipped one is never clipped again.
MIN_REMAINING = 0.3
# Local failures are retried soon, because they consume no retries.
LOCAL_FAILURE_DELAY_S = 30.0


@dataclass(frozen=True, slots=True)
class RetryDelay:
    """The seconds until the next attempt, and whether it consumes a retry of its phase."""

    phase: Phase
    delay_s: float
    consumes_retry: bool = True


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a media item is retried, in seconds; an empty `slow_s` turns the slow phase off."""

    first_delay_s: float
    factor: float
    max_delay_s: float
    fast_window_s: float
    slow_s: tuple[float, ...] = ()
    jitter: float = JITTER

    @classmethod
    def from_settings(cls) -> Self:
        return cls(
            settings.RETRY_FIRST_DELAY_S,
            settings.RETRY_FACTOR,
            settings.RETRY_MAX_DELAY_S,
            settings.RETRY_FAST_WINDOW_S,
            settings.RETRY_SLOW_SCHEDULE_S,
            JITTER,
        )

    def next_delay(
        self,
        failure: TransientFailure,
        *,
        fast_retries: int,
        slow_retries: int,
        elapsed_s: float,
        rng: Rng = random,
    ) -> RetryDelay | None:
        """Return how long to wait after this failure, or None when all retries are used up.

        `fast_retries` counts the earlier retries of the fast phase after the same cause,
        `slow_retries` all of the slow phase; `elapsed_s` is the time since the first attempt of
        this budget.
        """
        # Never beyond the fast window: the header may say 999999999999.
        retry_after_s = min(failure.retry_after_s or 0.0, self.fast_window_s)
        if isinstance(failure, LocalFailure):
            # From the database, so that the dispatcher retries a backlog in bounded batches.
            busy = isinstance(failure, AccountBusy)
            delay_s = self.first_delay_s if busy else LOCAL_FAILURE_DELAY_S
            delay_s = max(with_jitter(delay_s, self.jitter, rng), retry_after_s)
            return RetryDelay(Phase.SLOW, delay_s, consumes_retry=False)
        left_s = self.fast_window_s - elapsed_s
        delay_s = self._clip_to_window(self.fast_delay_s(fast_retries, rng), left_s, rng)
        delay_s = max(delay_s, retry_after_s)
        if not slow_retries and delay_s <= left_s:
            return RetryDelay(Phase.FAST, delay_s)
        if slow_retries < len(self.slow_s):
            step_s = with_jitter(self.slow_s[slow_retries], self.jitter, rng)
            return RetryDelay(Phase.SLOW, max(step_s, retry_after_s))
        return None

    def fast_delay_s(self, retries: int, rng: Rng = random) -> float:
        """Return the seconds before fast retry number `retries`, counted from 0."""
        backoff = Backoff(self.first_delay_s, self.factor, self.max_delay_s, self.jitter)
        # The first delay is a minimum, so jitter may only lengthen it.
        return max(self.first_delay_s, backoff.delay_s(retries, rng))

    def _clip_to_window(self, delay_s: float, left_s: float, rng: Rng) -> float:
        """Shorten a delay that crosses the end of the fast phase, if MIN_REMAINING of it fits."""
        if not MIN_REMAINING * delay_s < left_s < delay_s:
            return delay_s
        return max(self.first_delay_s, left_s * rng.uniform(1 - self.jitter, 1))
