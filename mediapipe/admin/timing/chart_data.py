from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property

from mediapipe.timing.distribution import (
    DelayDistribution,
    attempts_until_stored,
    delay_distribution,
)
from mediapipe.timing.selection import Selection
from mediapipe.timing.summary import TimingSummary, summarize
from mediapipe.timing.time_series import (
    EarlyShare,
    bucket_length,
    early_bucket_length,
    early_over_time,
    summaries_over_time,
)


class ChartData:
    """The query results behind the charts of one page, each queried at most once."""

    def __init__(self, selection: Selection) -> None:
        self.selection = selection

    @cached_property
    def total(self) -> TimingSummary:
        return summarize(self.selection.media())

    @property
    def bucket(self) -> timedelta:
        return bucket_length(self.selection.period.length)

    @cached_property
    def summaries(self) -> dict[datetime, TimingSummary]:
        return summaries_over_time(self.selection)

    @property
    def early_bucket(self) -> timedelta:
        return early_bucket_length(self.selection.period.length)

    @cached_property
    def early(self) -> dict[datetime, EarlyShare]:
        return early_over_time(self.selection)

    @cached_property
    def distribution(self) -> DelayDistribution:
        return delay_distribution(self.selection)

    @cached_property
    def attempts(self) -> dict[int, int]:
        return attempts_until_stored(self.selection)

    @cached_property
    def webhooks(self) -> int:
        return self.selection.webhooks()
