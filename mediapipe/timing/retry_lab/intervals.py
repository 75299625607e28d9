from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.db.models import F, IntegerField
from django.db.models.functions import Mod

from mediapipe.failures import TransientMedia404
from mediapipe.models import FetchAttempt
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.models.percentiles import Percentiles

FloatArray = npt.NDArray[np.float64]
# More items than this do not make the figures more precise; beyond it, every n-th one is used.
MAX_MEDIA = 100_000
# Cells of 10 ms up to half a second, then of 1%: finer than any schedule can resolve.
FINE_S, FINE_UNTIL_S, GROWTH, LONGEST_S = 0.01, 0.5, 1.01, 30 * 86400.0
STEPS = int(np.log(LONGEST_S / FINE_UNTIL_S) / np.log(GROWTH)) + 1
# Cell 0 is "available at the first attempt", cell i (EDGES_S[i-1], EDGES_S[i]], the last "later".
EDGES_S: FloatArray = np.concatenate(
    [np.arange(0, FINE_UNTIL_S, FINE_S), FINE_UNTIL_S * GROWTH ** np.arange(STEPS)]
)
MIDDLES_S: FloatArray = (EDGES_S[1:] + EDGES_S[:-1]) / 2
CELLS = len(EDGES_S) + 1


@dataclass(frozen=True, slots=True)
class DelayIntervals:
    """Distinct intervals, and the number of media items that became available within each.

    `first` and `last` are cells, inclusive. `response_s` is how long Twilio takes to return a 404.
    `used` of `total` media items are included.
    """

    first: npt.NDArray[np.intp]
    last: npt.NDArray[np.intp]
    weights: FloatArray
    response_s: float
    used: int
    total: int

    @property
    def sampled(self) -> bool:
        return self.used < self.total


def load_intervals(media: MediaQuerySet, most: int = MAX_MEDIA) -> DelayIntervals:
    """Return the delays of these media items, or of every n-th one beyond `most`.

    Excluded: items never attempted, items whose first response did not show whether the media
    was available, and items that no schedule could have retrieved.
    """
    attempted = media.unexplained().filter(queue_lag_s__isnull=False)
    known = attempted.exclude(not_found_count=0, delay_at_most_s__isnull=True)
    total = known.count()
    every = -(-total // most) or 1
    rest = Mod(F("pk"), every, output_field=IntegerField())
    used = known.order_by().alias(rest=rest).filter(rest=0)
    # Twilio's response time: the median of first attempts that got a 404.
    not_found = FetchAttempt.objects.filter(
        media__in=used.values("pk"), number=1, outcome=TransientMedia404.slug
    )
    (response_s,) = not_found.aggregate(s=Percentiles("duration_s", (0.5,)))["s"] or (0.0,)
    rows = used.values_list("queue_lag_s", "delay_at_least_s", "delay_at_most_s", "not_found_count")
    return to_intervals(list(rows), response_s, total)


def to_intervals(
    rows: Sequence[tuple[float | None, float | None, float | None, int]],
    response_s: float,
    total: int,
) -> DelayIntervals:
    """Convert rows of (queue lag, delay at least, delay at most, number of 404s); in seconds."""
    lag_s, at_least_s, at_most_s, not_found = np.array(rows, dtype=float).reshape(-1, 4).T
    late = not_found > 0
    after_s = np.where(late, np.maximum(0, at_least_s - lag_s), 0.0)
    # The request's time decides; "at most" is the time of its response.
    found_s = np.where(np.isnan(at_most_s), np.inf, at_most_s - lag_s - response_s)
    until_s = np.where(late, found_s, 0.0)
    first = np.where(late, _nearest_edge(after_s) + 1, 0)
    last = np.where(late, np.maximum(first, _nearest_edge(until_s)), 0)
    counts = Counter(zip(first.tolist(), last.tolist(), strict=True))
    ends = np.array(list(counts), dtype=np.intp).reshape(-1, 2)
    weights = np.array(list(counts.values()), dtype=float)
    return DelayIntervals(ends[:, 0], ends[:, 1], weights, response_s, len(rows), total)


def _nearest_edge(seconds: FloatArray) -> npt.NDArray[np.intp]:
    """Return the index of the nearest edge, or the one after the last for infinity.

    A request ends one interval and starts another. Both must share that edge: if both contained
    the cell of the request, that cell alone could explain every delay.
    """
    return np.where(np.isinf(seconds), len(EDGES_S), np.searchsorted(MIDDLES_S, seconds))
