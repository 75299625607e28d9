"""The same figures, bucket by bucket of the period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Count

from mediapipe.models.buckets import Bucket
from mediapipe.timing.delays import ATTEMPTED, EARLY, FIGURES, ROW, Figures
from mediapipe.timing.selection import Selection

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
STEPS = (timedelta(minutes=5), timedelta(minutes=15), HOUR, 3 * HOUR, 6 * HOUR, DAY, 7 * DAY)
# More points than these are too narrow to be read.
MOST_POINTS = 31
MOST_HOURS = 170
NOTHING = Figures(0, 0, 0, 0, 0, 0, 0, None, None, None)


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the attempted media of one bucket had an early 404."""

    attempted: int = 0
    early: int = 0


def step_of(
    length: timedelta, *, at_least: timedelta = STEPS[0], most: int = MOST_POINTS
) -> timedelta:
    """Return the shortest bucket that divides the period into few enough."""
    steps = [step for step in STEPS if step >= at_least]
    return next((step for step in steps if length / step <= most), steps[-1])


def over_time(selection: Selection) -> dict[datetime, Figures]:
    """Return the figures of each bucket by its beginning, empty ones included."""
    step = step_of(selection.period.length)
    rows = selection.media().values(bucket=Bucket("received_at", step)).annotate(**FIGURES)
    found = {EPOCH + row["bucket"] * step: Figures.of(row) for row in rows.order_by()}
    return {at: found.get(at, NOTHING) for at in beginnings(selection, step)}


def early_over_time(selection: Selection) -> dict[datetime, Share]:
    """Return the early 404s of each hour, or of longer buckets where those were too many."""
    step = step_of(selection.period.length, at_least=HOUR, most=MOST_HOURS)
    rows = selection.media().values_list(Bucket("received_at", step))
    counts = rows.annotate(attempted=Count(ROW, filter=ATTEMPTED), early=Count(ROW, filter=EARLY))
    found = {
        EPOCH + bucket * step: Share(attempted, early)
        for bucket, attempted, early in counts.order_by()
    }
    return {at: found.get(at, Share()) for at in beginnings(selection, step)}


def beginnings(selection: Selection, step: timedelta) -> list[datetime]:
    """Return where the buckets begin that the period touches.

    They are counted from 1970, so that one bucket is the same in every period.
    """
    at = EPOCH + (selection.period.since - EPOCH) // step * step
    found = []
    while at < selection.period.until:
        found.append(at)
        at += step
    return found
