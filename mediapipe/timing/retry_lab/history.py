"""The recorded delays as the lab takes them: intervals, counted from the first attempt."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
from django.db.models import F, IntegerField
from django.db.models.functions import Mod

from mediapipe.failures import TransientMedia404
from mediapipe.models import FetchAttempt
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.models.percentiles import Percentiles

Floats = npt.NDArray[np.float64]
# More than these do not sharpen the figures; every n-th item is taken then.
MOST_MEDIA = 100_000
# Cells of 10 ms up to half a second, then of 1 %: finer than any schedule can tell.
FINE_S, FINE_UNTIL_S, GROWTH, LONGEST_S = 0.01, 0.5, 1.01, 30 * 86400.0


def _edges() -> Floats:
    fine = np.arange(0, FINE_UNTIL_S, FINE_S)
    steps = int(np.log(LONGEST_S / FINE_UNTIL_S) / np.log(GROWTH)) + 1
    return np.concatenate([fine, FINE_UNTIL_S * GROWTH ** np.arange(steps)])


# Cell 0 is "there at the first attempt", cell i (EDGES_S[i-1], EDGES_S[i]], the last "later".
EDGES_S = _edges()
CELLS = len(EDGES_S) + 1


@dataclass(frozen=True, slots=True)
class Delays:
    """Equal intervals and how many media items have each: available in a cell from first to last.

    `response_s` is how long Twilio takes to say 404. `taken` of `total` media items are in it.
    """

    first: npt.NDArray[np.intp]
    last: npt.NDArray[np.intp]
    weights: Floats
    response_s: float
    taken: int
    total: int

    @property
    def sampled(self) -> bool:
        """Whether only a part of the media items was taken."""
        return self.taken < self.total


def recorded(media: MediaQuerySet, most: int = MOST_MEDIA) -> Delays:
    """Return the delays of these media items, of every n-th one if they are more than `most`.

    Left out are those that were never tried, that met another failure before Twilio told
    whether the media was there, and that no schedule could have retrieved.
    """
    tried = media.unexplained().filter(queue_lag_s__isnull=False)
    known = tried.exclude(not_found_count=0, delay_at_most_s__isnull=True)
    total = known.count()
    every = -(-total // most) or 1
    numbered = known.order_by().alias(rest=Mod(F("pk"), every, output_field=IntegerField()))
    taken = cast(MediaQuerySet, numbered.filter(rest=0))
    fields = ("queue_lag_s", "delay_at_least_s", "delay_at_most_s", "not_found_count")
    return delays(list(taken.values_list(*fields).iterator()), _response_s(taken), total)


def delays(
    rows: list[tuple[float, float | None, float | None, int]], response_s: float, total: int
) -> Delays:
    """Return rows of (queue lag, delay at least, delay at most, 404s), seconds, as Delays."""
    table = np.array(rows, dtype=float).reshape(-1, 4)
    lag, least, most, not_found = table.T
    late = not_found > 0
    after_s = np.where(late, np.maximum(0, least - lag), 0.0)
    # The moment that counts is the request's; "at most" is that of its answer.
    found_s = np.where(np.isnan(most), np.inf, most - lag - response_s)
    until_s = np.where(late, found_s, 0.0)
    first = np.where(late, _nearest_edge(after_s) + 1, 0)
    last = np.where(late, np.maximum(first, _nearest_edge(until_s)), 0)
    counted = Counter(zip(first.tolist(), last.tolist(), strict=True))
    ends = np.array(list(counted), dtype=np.intp).reshape(-1, 2)
    weights = np.array(list(counted.values()), dtype=float)
    return Delays(ends[:, 0], ends[:, 1], weights, response_s, len(rows), total)


def _nearest_edge(seconds: Floats) -> npt.NDArray[np.intp]:
    """Return the index of the edge that is nearest; of infinity the one after the last.

    A request ends one interval and begins another. Both must end at the same edge: if both
    kept the cell that it falls into, that cell alone could explain every delay.
    """
    middles = (EDGES_S[1:] + EDGES_S[:-1]) / 2
    return np.where(np.isinf(seconds), len(EDGES_S), np.searchsorted(middles, seconds))


def _response_s(media: MediaQuerySet) -> float:
    """Return the median seconds until Twilio said 404 to a first attempt."""
    first = FetchAttempt.objects.filter(
        media__in=media.values("pk"), number=1, outcome=TransientMedia404.slug
    )
    (median,) = first.aggregate(value=Percentiles("duration_s", (0.5,)))["value"] or (0.0,)
    return float(median)
