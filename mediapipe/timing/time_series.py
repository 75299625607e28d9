from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mediapipe.timing.period import Period
from mediapipe.timing.summary import TimingSummary
from mediapipe.timing.tally import Tally

# By the start of their hour, or of a shorter bucket.
Tallies = Mapping[datetime, Tally]

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
    """Return the shortest bucket that divides the period into at most `most`, or the longest."""
    lengths = [length for length in BUCKETS if length >= at_least]
    return next((length for length in lengths if period / length <= most), lengths[-1])


def early_bucket_length(period: timedelta) -> timedelta:
    return bucket_length(period, at_least=HOUR, most=MAX_BARS)


def summaries_over_time(period: Period, tallies: Tallies) -> dict[datetime, TimingSummary]:
    """Return the summary of each bucket by its start, empty buckets included."""
    length = bucket_length(period.length)
    found = _by_bucket(tallies, length)
    return {at: _summary(found.get(at)) for at in bucket_starts(period, length)}


def _summary(tally: Tally | None) -> TimingSummary:
    return TimingSummary.from_tally(tally) if tally else EMPTY


def early_over_time(period: Period, tallies: Tallies) -> dict[datetime, EarlyShare]:
    """Return the early 404s of each hour, or of longer buckets for a long period."""
    length = early_bucket_length(period.length)
    found = _by_bucket(tallies, length)
    return {
        at: EarlyShare(found[at].count(tried=True), found[at].count(early=True))
        if at in found
        else EarlyShare()
        for at in bucket_starts(period, length)
    }


def _by_bucket(tallies: Tallies, length: timedelta) -> dict[datetime, Tally]:
    """Return the sums of the tallies by the start of the bucket of this length."""
    buckets: defaultdict[datetime, list[Tally]] = defaultdict(list)
    for at, tally in tallies.items():
        buckets[_start(at, length)].append(tally)
    return {at: Tally.sum(found) for at, found in buckets.items()}


def _start(at: datetime, length: timedelta) -> datetime:
    # Aligned to 1970, so that a bucket is the same one in every period.
    return EPOCH + (at - EPOCH) // length * length


def bucket_starts(period: Period, length: timedelta) -> list[datetime]:
    """Return the starts of all buckets that overlap the period."""
    at = _start(period.since, length)
    starts = []
    while at < period.until:
        starts.append(at)
        at += length
    return starts
