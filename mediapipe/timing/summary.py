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
# Media that was found, or had a 404. Media still missing has no upper bound; without it, the more
# media never arrives, the shorter delays would look.
MEASURED = Q(delay_at_most_s__isnull=False) | EARLY_404
AT_MOST = Coalesce("delay_at_most_s", Value(inf), output_field=FloatField())
ATTEMPTED = Q(attempts__gt=0)

# Never null, and part of the covering index. Count("*") would make PostgreSQL read the rows.
ROW = "received_at"
AGGREGATES: dict[str, Any] = {
    "media": Count(ROW),
    "attempted": Count(ROW, filter=ATTEMPTED),
    "early": Count(ROW, filter=EARLY_404),
    "stored": Count(ROW, filter=Q(status=Status.STORED)),
    "failed": Count(ROW, filter=Q(status=Status.FAILED)),
    "absent": Count(ROW, filter=Q(status=Status.ABSENT)),
    "measured": Count(ROW, filter=MEASURED),
    "at_least": Percentiles("delay_at_least_s", SHARES, filter=MEASURED),
    "at_most": Percentiles(AT_MOST, SHARES, filter=MEASURED),
    "lag": Percentiles("queue_lag_s", SHARES),
}


@dataclass(frozen=True, slots=True)
class TimingSummary:
    """How some media items ended, and p50, p95 and p99 of their delays in seconds.

    A percentile of the propagation delay lies between `at_least` and `at_most`; the latter is
    infinite if too many items are still missing. None without any measured item.
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
    def from_row(cls, row: Mapping[str, Any]) -> TimingSummary:
        """Return the summary of a row annotated with AGGREGATES."""
        values = {name: row[name] for name in AGGREGATES}
        if values["at_most"]:
            # Interpolating between two infinities is infinity minus infinity on both databases.
            values["at_most"] = [inf if isnan(value) else value for value in values["at_most"]]
        return cls(**values)

    @property
    def waiting(self) -> int:
        return self.media - self.stored - self.failed - self.absent

    @property
    def early_share(self) -> float | None:
        """The share (0 to 1) of attempted items with an early 404."""
        return self.early / self.attempted if self.attempted else None

    def delay_bounds(self, number: int) -> tuple[float | None, float | None]:
        """Return the bounds (s) of percentile `number` of SHARES; infinity for no upper bound."""
        if not self.at_least or not self.at_most:
            return None, None
        return self.at_least[number], self.at_most[number]


def summarize(media: MediaQuerySet) -> TimingSummary:
    return TimingSummary.from_row(media.aggregate(**AGGREGATES))
