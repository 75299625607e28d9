from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Count

from mediapipe.models.buckets import Bucket
from mediapipe.models.media.queryset import EARLY_404
from mediapipe.timing.selection import Selection
from mediapipe.timing.summary import AGGREGATES, ATTEMPTED, ROW, TimingSummary

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BUCKETS = (timedelta(minutes=5), timedelta(minutes=15), HOUR, 3 * HOUR, 6 * HOUR, DAY, 7 * DAY)
# A chart with more points than these is unreadable.
MAX_POINTS = 31
MAX_BARS = 170
EMPTY = TimingSummary(0, 0, 0, 0, 0, 0, 0, None, None, None)


@dataclass(frozen=True, slots=True)
class EarlyShare:
    """How many attempted media items of a bucket had an early 404."""

    attempted: int = 0
    early: int = 0


def bucket_length(
    period: timedelta, *, at_least: timedelta = BUCKETS[0], most: int = MAX_POINTS
) -> timedelta:
    """Return the shortest bucket that divides the period into at most `most`."""
    lengths = [length for length in BUCKETS if length >= at_least]
    return next((length for length in lengths if period / length <= most), lengths[-1])


def early_bucket_length(period: timedelta) -> timedelta:
    return bucket_length(period, at_least=HOUR, most=MAX_BARS)


def summaries_over_time(selection: Selection) -> dict[datetime, TimingSummary]:
    """Return the summary of each bucket by its start, empty buckets included."""
    length = bucket_length(selection.period.length)
    rows = selection.media().values(bucket=Bucket("received_at", length)).annotate(**AGGREGATES)
    found = {EPOCH + row["bucket"] * length: TimingSummary.from_row(row) for row in rows.order_by()}
    return {at: found.get(at, EMPTY) for at in bucket_starts(selection, length)}


def early_over_time(selection: Selection) -> dict[datetime, EarlyShare]:
    """Return the early 404s of each hour, or of longer buckets for a long period."""
    length = early_bucket_length(selection.period.length)
    rows = selection.media().values_list(Bucket("received_at", length))
    counts = rows.annotate(
        attempted=Count(ROW, filter=ATTEMPTED), early=Count(ROW, filter=EARLY_404)
    )
    found = {
        EPOCH + bucket * length: EarlyShare(attempted, early)
        for bucket, attempted, early in counts.order_by()
    }
    return {at: found.get(at, EarlyShare()) for at in bucket_starts(selection, length)}


def bucket_starts(selection: Selection, length: timedelta) -> list[datetime]:
    """Return the starts of all buckets that overlap the period."""
    # Aligned to 1970, so that a bucket is the same one in every period.
    at = EPOCH + (selection.period.since - EPOCH) // length * length
    starts = []
    while at < selection.period.until:
        starts.append(at)
        at += length
    return starts
