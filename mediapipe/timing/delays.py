"""Percentiles of a delay that is an interval, and of our own part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isnan
from typing import Any

from django.db.models import Count, FloatField, Q, Value
from django.db.models.functions import Coalesce

from mediapipe.models.media.item import MediaQuerySet
from mediapipe.models.media.queryset import EARLY_404
from mediapipe.models.percentiles import Percentiles
from mediapipe.models.status import Status

SHARES = (0.5, 0.95, 0.99)
# Of these it is known from when on, or until when, the media was not there. One that still is not
# has no upper bound: left out, a delay would look the shorter the more media never comes.
MEASURED = Q(delay_at_most_s__isnull=False) | EARLY_404
AT_MOST = Coalesce("delay_at_most_s", Value(inf), output_field=FloatField())
ATTEMPTED = Q(attempts__gt=0)
EARLY = EARLY_404

# Never empty, and in the index that has all the rest.
ROW = "received_at"
FIGURES: dict[str, Any] = {
    "media": Count(ROW),
    "attempted": Count(ROW, filter=ATTEMPTED),
    "early": Count(ROW, filter=EARLY),
    "stored": Count(ROW, filter=Q(status=Status.STORED)),
    "failed": Count(ROW, filter=Q(status=Status.FAILED)),
    "absent": Count(ROW, filter=Q(status=Status.ABSENT)),
    "measured": Count(ROW, filter=MEASURED),
    "at_least": Percentiles("delay_at_least_s", SHARES, filter=MEASURED),
    "at_most": Percentiles(AT_MOST, SHARES, filter=MEASURED),
    "lag": Percentiles("queue_lag_s", SHARES),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of some media, and their delays in seconds: p50, p95 and p99.

    The percentile of the propagation delay lies between `at_least` and `at_most`, which is
    infinite where so many are still not there. None without anything measured.
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
    def of(cls, row: Mapping[str, Any]) -> Figures:
        """Return the figures of an aggregated row."""
        values = {name: row[name] for name in FIGURES}
        if values["at_most"]:
            # Between two that are infinite both databases work out infinity minus infinity.
            values["at_most"] = [inf if isnan(value) else value for value in values["at_most"]]
        return cls(**values)

    @property
    def waiting(self) -> int:
        """How many are still owed."""
        return self.media - self.stored - self.failed - self.absent

    @property
    def early_share(self) -> float | None:
        """The share, 0 to 1, of the attempted ones whose webhook was faster than they were."""
        return self.early / self.attempted if self.attempted else None


def figures(media: MediaQuerySet) -> Figures:
    """Return the figures of all these media together."""
    return Figures.of(media.aggregate(**FIGURES))
