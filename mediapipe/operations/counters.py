"""Adds what happened since the last run to the counters that /metrics shows.

Each kind of row is read in the order of an indexed time or id, so the cost of a run depends on what
happened since the last one, not on the size of the tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import models, transaction
from django.db.models import Count, Max, Min, Q, Sum
from django.utils import timezone

from mediapipe.models import FetchAttempt, MediaItem, Status, WebhookEvent
from mediapipe.models.counters import Counter, Counts, Watermark
from mediapipe.queueing.time_slice import until_deadline

# Upper bounds of the histograms, in seconds: from our own queue to the end of the slow phase.
BUCKETS_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21600, 86400, 172800)
# A row becomes visible when its transaction commits, shortly after the time in it.
COMMIT_LAG = timedelta(seconds=10)
# The first run on an old database may have to read months of rows: it does so in chunks.
CHUNK = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Stream:
    """Rows in the order of a time that never changes once set, and the counters they add to."""

    name: str
    rows: models.QuerySet[Any]
    time: str
    to_counts: Callable[[Any], Counts]

    def advance(self, end: datetime) -> bool:
        """Count the next chunk of the rows until `end`; return whether there was any."""
        with transaction.atomic():
            # Locked until the end of the transaction, so that no row is counted by two runs.
            mark = Watermark.lock(self.name)
            since = mark.until
            if since is None:
                first: datetime | None = self.rows.aggregate(first=Min(self.time))["first"]
                since = first and first - MICROSECOND
            if since is None or since >= end:
                return False
            mark.until = min(since + CHUNK, end)
            bounds = {f"{self.time}__gt": since, f"{self.time}__lte": mark.until}
            Counter.add(self.to_counts(self.rows.filter(**bounds)))
            mark.save()
        return True


def roll_up(deadline_s: float) -> None:
    """Update the counters as far as possible before `deadline_s` (of `time.monotonic()`)."""
    end = timezone.now() - COMMIT_LAG
    _count_new("webhooks", WebhookEvent.objects.order_by())
    _count_new("media", MediaItem.objects.order_by(), reconciled=Q(reconciled_at__isnull=False))
    stored = MediaItem.objects.exclude(storage_name="").filter(purged_at=None)
    failed = MediaItem.objects.filter(failed_at__isnull=False)
    attempts = FetchAttempt.objects.order_by()
    for stream, settled in (
        (Stream("stored", stored, "retrieved_at", _stored), end),
        (Stream("failed", failed, "failed_at", _failed), end),
        (Stream("attempts", attempts, "started_at", _attempts), min(end, _all_ended_before(end))),
    ):
        for _ in until_deadline(iter(partial(stream.advance, settled), False), deadline_s):
            pass


def _count_new(name: str, rows: models.QuerySet[Any], **subsets: Q) -> None:
    """Count rows by kind in the order of their ids, because spooled webhooks have old times.

    Rows that match a subset's condition are also counted under the subset's name.
    """
    with transaction.atomic():
        mark = Watermark.lock(name)
        new = rows.filter(pk__gt=mark.counted, pk__lte=mark.seen)
        for counter, condition in {name: Q(), **subsets}.items():
            kinds = new.filter(condition).values_list("kind").annotate(Count("pk"))
            Counter.add({(counter, kind): number for kind, number in kinds})
        mark.counted = mark.seen
        mark.seen = rows.aggregate(last=Max("pk", default=0))["last"]
        mark.save()


def _all_ended_before(end: datetime) -> datetime:
    """Return a time such that every attempt started by then has ended."""
    running = FetchAttempt.objects.filter(outcome="", media__status=Status.FETCHING)
    first: datetime | None = running.aggregate(first=Min("started_at"))["first"]
    return first - MICROSECOND if first else end


def _stored(media: models.QuerySet[MediaItem]) -> Counts:
    found = media.aggregate(
        stored=Count("pk"), late=Count("pk", filter=Q(not_found_count__gt=0)), bytes=Sum("size")
    )
    return {
        ("finished", Status.STORED.value): found["stored"],
        ("early_404", Status.STORED.value): found["late"],
        ("stored_bytes", ""): found["bytes"] or 0,
        **_histogram("delay_at_least", media, "delay_at_least_s"),
        **_histogram("delay_at_most", media, "delay_at_most_s"),
    }


def _failed(media: models.QuerySet[MediaItem]) -> Counts:
    found = media.aggregate(failed=Count("pk"), late=Count("pk", filter=Q(not_found_count__gt=0)))
    reasons = media.order_by().values_list("error").annotate(Count("pk"))
    return {
        ("finished", Status.FAILED.value): found["failed"],
        ("early_404", Status.FAILED.value): found["late"],
        **{("failed", reason): number for reason, number in reasons},
    }


def _attempts(attempts: models.QuerySet[FetchAttempt]) -> Counts:
    outcomes = attempts.exclude(outcome="").order_by().values_list("outcome").annotate(Count("pk"))
    return {
        **{("attempts", outcome): number for outcome, number in outcomes},
        **_histogram("queue_lag", attempts.filter(number=1), "media__queue_lag_s"),
    }


def _histogram(name: str, rows: models.QuerySet[Any], field: str) -> Counts:
    """Return the cumulative count of each bucket, the count of all values, and their sum."""
    below = {str(le): Count(field, filter=Q(**{f"{field}__lte": le})) for le in BUCKETS_S}
    found = rows.aggregate(**{"+Inf": Count(field), "sum": Sum(field)}, **below)
    return {(name, label): value or 0 for label, value in found.items()}
