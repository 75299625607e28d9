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
    EarlyShare,
    bucket_length,
    early_bucket_length,
    early_over_time,
    summaries_over_time,
)


class ChartData:
    """The figures behind the charts of one page; the database is queried once."""

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
