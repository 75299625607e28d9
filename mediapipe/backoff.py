from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Protocol

# 10.0 ** 309 overflows, and all usual factors have reached the cap long before this exponent.
MAX_EXPONENT = 64


class Rng(Protocol):
    """A `random.Random`, or the module `random` itself."""

    def uniform(self, a: float, b: float) -> float: ...


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with a cap and proportional jitter; delays in seconds.

    A `jitter` of 0.15 makes a delay up to 15% shorter or longer, even a delay at the cap.
    """

    first_s: float
    factor: float
    max_s: float
    jitter: float

    def delay_s(self, retries: int, rng: Rng = random) -> float:
        """Return the seconds to wait before the next retry, after `retries` earlier ones."""
        delay_s = min(self.first_s * self.factor ** min(retries, MAX_EXPONENT), self.max_s)
        return with_jitter(delay_s, self.jitter, rng)


def with_jitter(delay_s: float, jitter: float, rng: Rng = random) -> float:
    """Return the delay ± this fraction, so that simultaneous failures are not retried together."""
    return delay_s * rng.uniform(1 - jitter, 1 + jitter)
