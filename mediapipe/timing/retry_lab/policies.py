"""The schedules that are compared: ours as it is set, others, and those of known products."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt
from django.conf import settings

from mediapipe.fetching.schedule import JITTER, MIN_REMAINING

Floats = npt.NDArray[np.float64]
# No sensible schedule has more; a first delay of milliseconds without growth would.
MOST_RETRIES = 2000


@dataclass(frozen=True, slots=True)
class Schedule:
    """The settings of both phases: seconds, and the factor by which fast waits grow."""

    first_delay_s: float
    factor: float
    max_delay_s: float
    fast_window_s: float
    slow_s: tuple[float, ...] = ()

    @classmethod
    def from_settings(cls) -> Self:
        """Return the schedule that is in force."""
        return cls(
            settings.RETRY_FIRST_DELAY_S,
            settings.RETRY_FACTOR,
            settings.RETRY_MAX_DELAY_S,
            settings.RETRY_FAST_WINDOW_S,
            tuple(settings.RETRY_SLOW_SCHEDULE_S),
        )

    def fast_s(self) -> tuple[float, ...]:
        """Return every wait that may still begin in the fast window, before the spread."""
        waits: list[float] = []
        earliest_s = 0.0
        while len(waits) < MOST_RETRIES:
            # The exponent is bounded as in mediapipe.schedule.
            wait_s = min(self.first_delay_s * self.factor ** min(len(waits), 64), self.max_delay_s)
            waits.append(wait_s)
            earliest_s += max(self.first_delay_s, wait_s * (1 - JITTER))
            if earliest_s > self.fast_window_s:
                break
        return tuple(waits)

    def environment(self) -> dict[str, str]:
        """Return the variables that put this schedule in force."""
        return {
            "RETRY_FIRST_DELAY": duration(self.first_delay_s),
            "RETRY_FACTOR": f"{self.factor:g}",
            "RETRY_MAX_DELAY": duration(self.max_delay_s),
            "RETRY_FAST_WINDOW": duration(self.fast_window_s),
            "RETRY_SLOW_SCHEDULE": ",".join(map(duration, self.slow_s)),
        }


@dataclass(frozen=True, slots=True)
class Policy:
    """A row of the comparison: the waits between attempts, and how they are spread.

    `window_s` bounds the fast waits, `least_s` every one of them. `schedule` is there if the
    policy can be put in force by settings.
    """

    name: str
    fast_s: tuple[float, ...]
    slow_s: tuple[float, ...] = ()
    window_s: float = math.inf
    least_s: float = 0.0
    spread: float = 0.0
    schedule: Schedule | None = field(default=None, compare=False)

    @classmethod
    def of(cls, name: str, schedule: Schedule) -> Self:
        """Return a policy that waits as mediapipe.schedule does under these settings."""
        return cls(
            name,
            schedule.fast_s(),
            schedule.slow_s,
            window_s=schedule.fast_window_s,
            least_s=schedule.first_delay_s,
            spread=JITTER,
            schedule=schedule,
        )

    def retries_s(self, draws: int, answer_s: float = 0.0, seed: int = 0) -> Floats:
        """Return when each retry begins, in seconds after the first attempt; one draw a row.

        Retries that are not made are infinite and stand last. `answer_s` is how long Twilio
        takes to answer 404: a wait begins when the answer is there.
        """
        rng = np.random.default_rng(seed)
        spreads = (1 - self.spread, 1 + self.spread)
        waits_s = np.array(self.fast_s) * rng.uniform(*spreads, (draws, len(self.fast_s)))
        waits_s = self._cut(np.maximum(waits_s, self.least_s), answer_s, rng)
        fast = np.cumsum(waits_s + answer_s, axis=1)
        # The first wait that does not fit ends the fast phase for good.
        fast[fast > self.window_s] = np.inf
        last_s = np.max(fast, axis=1, initial=0.0, where=np.isfinite(fast))
        steps_s = np.array(self.slow_s) * rng.uniform(*spreads, (draws, len(self.slow_s)))
        slow = last_s[:, None] + np.cumsum(steps_s + answer_s, axis=1)
        return np.sort(np.concatenate([fast, slow], axis=1), axis=1)

    def _cut(self, waits_s: Floats, answer_s: float, rng: np.random.Generator) -> Floats:
        """Cut the wait that would cross the end of the fast phase, as mediapipe.schedule does."""
        begun_s = np.cumsum(waits_s + answer_s, axis=1) - waits_s
        left_s = self.window_s - begun_s
        ends = np.maximum(left_s * rng.uniform(1 - self.spread, 1, left_s.shape), self.least_s)
        return np.where((MIN_REMAINING * waits_s < left_s) & (left_s < waits_s), ends, waits_s)


# What other products do about the same 404, as their sources say.
KNOWN = (
    Policy("1 + 3 s (chatwoot)", (1.0, 3.0)),
    Policy("1/2/4/8 s (hand-made bots)", (1.0, 2.0, 4.0, 8.0)),
    Policy("45 x 1 s (mailroom)", (1.0,) * 45),
)


def duration(seconds: float) -> str:
    """Return seconds as the environment takes them, as people write them: 90s, 10m, 24h."""
    for unit, size, least in (("h", 3600, 3600), ("m", 60, 120)):
        if seconds >= least and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"
