"""Counts each hour once, so that a page about a month need not read its rows.

The figures stay the same: hours that are not counted, parts of hours at both ends of a period, and
items that were unfinished when their hour was counted are read from the rows.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from itertools import accumulate
from math import ceil

from django.db import transaction
from django.db.models import CharField, Value
from django.utils import timezone

from mediapipe.models import HourlyCounts, MediaItem
from mediapipe.models.buckets import Bucket
from mediapipe.models.hourly_counts import COMMIT_LAG, HOUR, start_of_hour
from mediapipe.timing.counting import (
    Keys,
    Part,
    media_parts,
    part_of_few,
    read,
    tallies,
    webhook_part,
)
from mediapipe.timing.period import Period
from mediapipe.timing.selection import Selection
from mediapipe.timing.tally import LAYOUT, Tally
from mediapipe.timing.time_series import EPOCH, bucket_length

# When an hour is over, its last rows may still be uncommitted.
CLOSED_AFTER = 2 * COMMIT_LAG
# Up to this number in all, the unfinished items of counted hours are read by their keys. The hours
# with the most of them, such as during an outage of Twilio, are read from the rows instead.
MAX_UNFINISHED = 5000
# With more gaps than this between the counted hours, the whole period is read from the rows.
MAX_GAPS = 10
GROUPS = ("account_sid", "kind", "content_type")
UNFINISHED = -1


def count_hours(now: datetime) -> Iterator[datetime]:
    """Count the hours that are due, the newest first; yield each.

    An hour is counted when it is over, after it was invalidated, and whenever its age has doubled
    since it was counted: by then it has fewer unfinished items.
    """
    first = MediaItem.objects.order_by("received_at").values_list("received_at", flat=True).first()
    if first is None:
        return
    counted = dict(
        HourlyCounts.objects.filter(layout=LAYOUT, counted_at__isnull=False).values_list(
            "start", "counted_at"
        )
    )
    hour = start_of_hour(now - CLOSED_AFTER) - HOUR
    while hour >= start_of_hour(first):
        counted_at = counted.get(hour)
        if counted_at is None or now - hour >= 2 * (counted_at - hour):
            count_hour(hour)
            yield hour
        hour -= HOUR


def count_hour(start: datetime) -> None:
    """Count one hour that is over, even if it was counted before."""
    with transaction.atomic():
        row = HourlyCounts.lock(start)
        row.counted_at, row.layout = timezone.now(), LAYOUT
        # One statement, because an item may finish between two.
        rows = list(read(_parts_of_hour(Period(start, start + HOUR))))
        row.unfinished = [pk for *_, lane, pk in rows if lane == UNFINISHED]
        groups = tallies(row for row in rows if row[-2] != UNFINISHED)
        row.total = Tally.sum(groups.values()).to_bytes()
        row.groups = [[*key, b64encode(tally.to_bytes()).decode()] for key, tally in groups.items()]
        row.save()


def _parts_of_hour(period: Period) -> list[Part]:
    received = Selection(period)
    unfinished = received.media().unfinished().order_by()
    webhooks: Keys = [*GROUPS[:2], Value(None, output_field=CharField())]
    return [
        unfinished.values_list(*GROUPS, Value(UNFINISHED), "pk"),
        *media_parts(received.media().finished(), GROUPS),
        webhook_part(received.webhooks(), webhooks),
    ]


def tallies_of(selection: Selection) -> dict[datetime, Tally]:
    """Return the tallies by the start of their hour, or for a short period of a shorter bucket."""
    length = min(HOUR, bucket_length(selection.period.length))
    hours = _counted_hours(selection) if length == HOUR else {}
    gaps = _gaps(selection.period, hours)
    if len(gaps) > MAX_GAPS:
        hours, gaps = {}, [selection.period]
    keys = [Bucket("received_at", length)]
    parts = [part for gap in gaps for part in _parts(selection.within(gap), keys)]
    if unfinished := [pk for hour in hours.values() for pk in hour.unfinished]:
        parts.append(part_of_few(selection.media().filter(pk__in=unfinished), keys))
    found = defaultdict(Tally, {start: _tally(hour, selection) for start, hour in hours.items()})
    for (bucket,), tally in (tallies(read(parts)) if parts else {}).items():
        at = EPOCH + bucket * length
        found[at] = Tally.sum([found[at], tally])
    return found


def _counted_hours(selection: Selection) -> dict[datetime, HourlyCounts]:
    """Return the counted whole hours of the period, up to MAX_UNFINISHED unfinished items."""
    since, until = selection.period.since, selection.period.until
    rows = HourlyCounts.objects.filter(
        start__gte=since, start__lte=until - HOUR, counted_at__isnull=False, layout=LAYOUT
    )
    rows = rows.defer("total" if selection.filters else "groups")
    by_unfinished = sorted(rows, key=lambda row: len(row.unfinished))
    totals = accumulate(len(row.unfinished) for row in by_unfinished)
    pairs = zip(by_unfinished, totals, strict=True)
    return {row.start: row for row, total in pairs if total <= MAX_UNFINISHED}


def whole_hours(
    period: Period, account_sid: str = "", without: Collection[str] = ()
) -> dict[datetime, Tally] | None:
    """Return the counts of every hour that overlaps the period; None if one is not counted.

    They are for one account, or for all but those in `without`. Items that were unfinished when
    their hour was counted are left out, so these are estimates.
    """
    first = start_of_hour(period.since)
    rows = HourlyCounts.objects.filter(
        start__gte=first, start__lt=period.until, counted_at__isnull=False, layout=LAYOUT
    )
    some = bool(account_sid or without)
    hours = {row.start: row for row in rows.defer("total" if some else "groups", "unfinished")}
    if len(hours) < ceil((period.until - first) / HOUR):
        return None
    if not some:
        return {at: Tally.from_bytes(bytes(row.total)) for at, row in hours.items()}
    return {
        at: Tally.sum(
            Tally.from_bytes(b64decode(data))
            for sid, *_, data in row.groups
            if (sid == account_sid if account_sid else sid not in without)
        )
        for at, row in hours.items()
    }


def _gaps(period: Period, hours: Iterable[datetime]) -> list[Period]:
    """Return the parts of the period that are in none of these hours, in order."""
    ends = [period.since, *(at for start in sorted(hours) for at in (start, start + HOUR))]
    pairs = zip(ends[::2], [*ends[1::2], period.until], strict=True)
    return [Period(since, until) for since, until in pairs if since < until]


def _parts(selection: Selection, keys: Keys) -> list[Part]:
    return [*media_parts(selection.media(), keys), webhook_part(selection.webhooks(), keys)]


def _tally(hour: HourlyCounts, selection: Selection) -> Tally:
    if not selection.filters:
        return Tally.from_bytes(bytes(hour.total))
    wanted = [getattr(selection, name) for name in GROUPS]
    return Tally.sum(
        Tally.from_bytes(b64decode(data))
        for *key, data in hour.groups
        # Webhooks have no content type: None matches every one.
        if all(not want or value in (want, None) for want, value in zip(wanted, key, strict=True))
    )
