from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property

from mediapipe.timing.distribution import (
    DelayDistribution,
    attempts_until_stored,
    delay_distribution,
)
from mediapipe.timing.hourly import tallies_of
from mediapipe.timing.selection import Selection
from mediapipe.timing.summary import TimingSummary
from mediapipe.timing.tally import Tally
from mediapipe.timing.time_series import (
    EMPTY,
    EarlyShare,
    bucket_length,
    early_bucket_length,
    early_over_time,
    summaries_over_time,
)


class ChartData:
    """The figures behind the charts of one page; the database is queried once per period."""

    def __init__(self, selection: Selection) -> None:
        self.selection = selection

    @cached_property
    def tallies(self) -> dict[datetime, Tally]:
        return tallies_of(self.selection)

    @cached_property
    def whole(self) -> Tally:
        return Tally.sum(self.tallies.values())

    @cached_property
    def total(self) -> TimingSummary:
        return TimingSummary.from_tally(self.whole)

    @cached_property
    def before(self) -> ChartData:
        """The same figures of the period before."""
        return ChartData(self.selection.within(self.selection.period.preceding()))

    @cached_property
    def summaries_before(self) -> list[TimingSummary]:
        """For each bucket, its counterpart in the period before."""
        # A period whose length is not a multiple of a bucket may touch one bucket more or fewer.
        rows = [*self.before.summaries.values(), EMPTY]
        return rows[: len(self.summaries)]

    @cached_property
    def early_before(self) -> list[EarlyShare]:
        """For each early bucket, its counterpart in the period before."""
        return [*self.before.early.values(), EarlyShare()][: len(self.early)]

    @property
    def bucket(self) -> timedelta:
        return bucket_length(self.selection.period.length)

    @cached_property
    def summaries(self) -> dict[datetime, TimingSummary]:
        return summaries_over_time(self.selection.period, self.tallies)

    @property
    def early_bucket(self) -> timedelta:
        return early_bucket_length(self.selection.period.length)

    @cached_property
    def early(self) -> dict[datetime, EarlyShare]:
        return early_over_time(self.selection.period, self.tallies)

    @property
    def distribution(self) -> DelayDistribution:
        return delay_distribution(self.whole)

    @property
    def attempts(self) -> dict[int, int]:
        return attempts_until_stored(self.whole)

    @property
    def webhooks(self) -> int:
        return self.whole.webhooks
