from __future__ import annotations

from datetime import datetime
from functools import cached_property

from mediapipe.timing.delays import Figures, figures
from mediapipe.timing.distribution import Distribution, distribution
from mediapipe.timing.outcomes import attempts_until_stored
from mediapipe.timing.over_time import Share, early_over_time, over_time
from mediapipe.timing.selection import Selection


class Answers:
    """What one page asks of the database, each question once and only if it is needed."""

    def __init__(self, selection: Selection) -> None:
        self.selection = selection

    @cached_property
    def total(self) -> Figures:
        return figures(self.selection.media())

    @cached_property
    def buckets(self) -> dict[datetime, Figures]:
        return over_time(self.selection)

    @cached_property
    def hours(self) -> dict[datetime, Share]:
        return early_over_time(self.selection)

    @cached_property
    def spread(self) -> Distribution:
        return distribution(self.selection)

    @cached_property
    def attempts(self) -> dict[int, int]:
        return attempts_until_stored(self.selection)

    @cached_property
    def webhooks(self) -> int:
        return self.selection.webhooks()
