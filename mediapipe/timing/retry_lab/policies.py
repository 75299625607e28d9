from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Self

import numpy as np

from mediapipe.failures import TransientMedia404
from mediapipe.fetching.schedule import Schedule
from mediapipe.models.status import Phase
from mediapipe.timing.retry_lab.intervals import FloatArray

# A first delay of milliseconds without growth would have more; no sensible schedule does.
MAX_RETRIES = 2000
NOT_FOUND = TransientMedia404()


@dataclass(frozen=True, slots=True)
class Policy:
    """Fixed delays between attempts, or a schedule of this service."""

    name: str
    delays_s: tuple[float, ...] = ()
    schedule: Schedule | None = None

    def without_jitter(self) -> Self:
        """Return the policy with its delays exactly as configured."""
        return replace(self, schedule=self.schedule and replace(self.schedule, jitter=0.0))

    def retries_s(self, draws: int, response_s: float = 0.0, seed: int = 0) -> FloatArray:
        """Return when each retry starts, in seconds after the first attempt; one draw per row.

        Rows are padded with infinity. `response_s` is how long Twilio takes to return a 404: a
        delay starts with the response.
        """
        rng = random.Random(seed)  # noqa: S311  (the same comparison each time)
        drawn = (self._draw_delays_s(response_s, rng) for _ in range(draws))
        draws_s = [list(islice(delays_s, MAX_RETRIES)) for delays_s in drawn]
        delays_s = np.full((draws, max(map(len, draws_s))), np.inf)
        for row, drawn_s in zip(delays_s, draws_s, strict=True):
            row[: len(drawn_s)] = drawn_s
        return np.cumsum(delays_s + response_s, axis=1)

    def _draw_delays_s(self, response_s: float, rng: random.Random) -> Iterator[float]:
        if self.schedule is None:
            yield from self.delays_s
            return
        elapsed_s, retries = response_s, {Phase.FAST: 0, Phase.SLOW: 0}
        while delay := self.schedule.next_delay(
            NOT_FOUND,
            fast_retries=retries[Phase.FAST],
            slow_retries=retries[Phase.SLOW],
            elapsed_s=elapsed_s,
            rng=rng,
        ):
            yield delay.delay_s
            retries[delay.phase] += 1
            elapsed_s += delay.delay_s + response_s


# How other products retry the same 404, according to their source code.
KNOWN = (
    Policy("give up after 4 s (as Chatwoot does)", (1.0, 3.0)),
    Policy("give up after 15 s (1, 2, 4, 8 s, as many bots do)", (1.0, 2.0, 4.0, 8.0)),
    Policy("give up after 45 s (once a second, as Mailroom does)", (1.0,) * 45),
)


def environment(schedule: Schedule) -> dict[str, str]:
    """Return the environment variables that configure this schedule."""
    return {
        "RETRY_FIRST_DELAY": duration(schedule.first_delay_s),
        "RETRY_FACTOR": f"{schedule.factor:g}",
        "RETRY_MAX_DELAY": duration(schedule.max_delay_s),
        "RETRY_FAST_WINDOW": duration(schedule.fast_window_s),
        "RETRY_SLOW_SCHEDULE": ",".join(map(duration, schedule.slow_s)),
    }


def duration(seconds: float) -> str:
    """Format seconds for an environment variable: 90s, 10m, 24h."""
    for unit, size, least in (("h", 3600, 3600), ("m", 60, 120)):
        if seconds >= least and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"
