from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf, isinf

from mediapipe.models.delay_bins import EDGES_S
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.models.status import Status
from mediapipe.timing.counting import count_media
from mediapipe.timing.tally import Tally

SHARES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class TimingSummary:
    """How some media items ended, and p50, p95 and p99 of their delays in seconds.

    A percentile of the propagation delay lies between `at_least` and `at_most`; the latter is
    infinite if too many items are still missing. None without any measured item. Both are rounded
    outwards to EDGES_S; `lag` is rounded up.
    """

    media: int
    attempted: int
    early: int
    stored: int
    failed: int
    absent: int
    measured: int
    at_least: list[float] | None
    at_most: list[float] | None
    lag: list[float] | None

    @classmethod
    def from_tally(cls, tally: Tally) -> TimingSummary:
        return cls(
            media=tally.count(),
            attempted=tally.count(tried=True),
            early=tally.count(early=True),
            stored=tally.count(Status.STORED),
            failed=tally.count(Status.FAILED),
            absent=tally.count(Status.ABSENT),
            measured=tally.count(measured=True),
            at_least=percentiles(tally.at_least),
            at_most=percentiles(tally.at_most),
            lag=percentiles(tally.lag),
        )

    @property
    def waiting(self) -> int:
        return self.media - self.stored - self.failed - self.absent

    @property
    def early_share(self) -> float | None:
        """The share (0 to 1) of attempted items with an early 404."""
        return self.early / self.attempted if self.attempted else None

    def delay_bounds(self, number: int) -> tuple[float | None, float | None]:
        """Return the bounds (s) of percentile `number` of SHARES; None without measured items."""
        if not self.at_least or not self.at_most:
            return None, None
        return self.at_least[number], self.at_most[number]


def summarize(media: MediaQuerySet) -> TimingSummary:
    return TimingSummary.from_tally(count_media(media))


def percentiles(counts: Sequence[int]) -> list[float] | None:
    """Return the values below which SHARES of the counted ones lie; None if there are none.

    `counts` are by the edge that values were rounded to. Interpolates linearly between neighbours,
    as `mediapipe.models.delays.percentile` does.
    """
    upto = list(accumulate(counts))
    if not upto or not upto[-1]:
        return None
    edges = (*EDGES_S, inf)
    values = []
    for share in SHARES:
        place = share * (upto[-1] - 1)
        below = edges[bisect_right(upto, int(place))]
        above = edges[bisect_right(upto, min(int(place) + 1, upto[-1] - 1))]
        # Infinity times zero is not a number.
        part = place - int(place)
        values.append(below if isinf(below) or not part else below + (above - below) * part)
    return values
