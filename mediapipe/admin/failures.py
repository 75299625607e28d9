"""What fails, in groups: the same reason, account and host is one trouble, however many items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count, F, Max, Min, Window
from django.db.models.functions import RowNumber, TruncDay, TruncHour
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from mediapipe.admin.filters import NONE
from mediapipe.admin.pages import page, render_page
from mediapipe.admin.summary import FAILURES
from mediapipe.admin.text import timestamp
from mediapipe.models import MediaItem, Status
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.period import LENGTHS, InvalidPeriod, Period

# Of so many groups nobody reads the rest; fewer to group by, or a shorter period, help.
MOST_GROUPS = 100
EXAMPLES = 3
DEFAULT_PERIOD = "7d"
# Up to this length the bars are hours, beyond it days.
HOURLY = timedelta(hours=48)
BY = {"reason": "error", "account": "account_sid", "host": "host", "time": "bucket"}
DEFAULT_BY = ("reason", "account", "host")
SHOWN = {Status.FAILED.value: "Failed", Status.RETRYING.value: "Still tried"}
BAR, GAP, HEIGHT = 4, 1, 24

Key = tuple[Any, ...]


@dataclass(slots=True)
class Group:
    """Items that have the same values in the columns that are grouped by."""

    values: dict[str, Any]
    first: datetime
    last: datetime
    query: str = ""
    counts: Counter[datetime] = field(default_factory=Counter)
    examples: list[MediaItem] = field(default_factory=list)
    bars: list[tuple[int, int, int]] = field(default_factory=list)

    def add(self, bucket: datetime, count: int, first: datetime, last: datetime) -> None:
        """Count the items of one hour or day too."""
        self.counts[bucket] += count
        self.first, self.last = min(self.first, first), max(self.last, last)

    @property
    def count(self) -> int:
        """Return how many items it has."""
        return self.counts.total()

    @property
    def cells(self) -> list[str]:
        """Return the values in the order of the columns, as they are shown."""
        return [
            timestamp(value) if isinstance(value, datetime) else str(value or "-")
            for name, value in self.values.items()
            if name != "reason"
        ]

    @property
    def meaning(self) -> str:
        """Return what the reason means, if the group has one."""
        failure = FAILURES.get(self.values.get("reason", ""))
        return failure.meaning() if failure else ""


@page("failures/", name="failures", title="Failures")
def failures(request: HttpRequest) -> HttpResponse:
    """Show the groups of a period, with examples and the way to retry each."""
    period = _period(request)
    status = request.GET.get("status__exact", "")
    status = status if status in SHOWN else Status.FAILED.value
    by = [name for name in BY if name in request.GET.getlist("by")] or list(DEFAULT_BY)
    media = _media(period, status)
    groups = _groups(media, by)
    for group in groups:
        group.query = _query(group.values, period, status)
        group.bars = [] if "time" in by else _bars(group.counts, period)
    _add_examples(media, by, groups)
    return render_page(
        request,
        "failures.html",
        title="Failures",
        period=period,
        lengths=LENGTHS,
        since=timestamp(period.since),
        until=timestamp(period.until),
        bucket="hour" if _hourly(period) else "day",
        by=by,
        dimensions=list(BY),
        status=status,
        shown=SHOWN,
        groups=groups[:MOST_GROUPS],
        more=len(groups) > MOST_GROUPS,
        total=sum(group.count for group in groups[:MOST_GROUPS]),
        bars_width=_buckets(period) * (BAR + GAP),
        all_query=period.query(status__exact=status),
        may_retry=request.user.has_perm("mediapipe.retry_mediaitem"),
    )


def _period(request: HttpRequest) -> Period:
    now = timezone.now()
    params = {key: request.GET.get(key, "") for key in ("period", "since", "until")}
    try:
        return Period.from_query(
            params if any(params.values()) else {"period": DEFAULT_PERIOD}, now
        )
    except InvalidPeriod as error:
        messages.error(request, str(error))
        return Period.named(DEFAULT_PERIOD, now)


def _media(period: Period, status: str) -> MediaQuerySet:
    media = MediaItem.objects.filter(
        status=status, received_at__gte=period.since, received_at__lt=period.until
    ).exclude(error="")
    bucket = TruncHour("received_at") if _hourly(period) else TruncDay("received_at")
    # Generic: an annotated row is a type of its own to mypy.
    return cast(MediaQuerySet, media.annotate(bucket=bucket))


def _groups(media: MediaQuerySet, by: list[str]) -> list[Group]:
    """Return the largest groups, one more than are shown; with `time` the latest ones.

    The items are gone through once: a group is the sum of its hours or days.
    """
    columns = [BY[name] for name in by]
    rows = media.values(*dict.fromkeys([*columns, "bucket"])).annotate(
        count=Count("pk"), first=Min("received_at"), last=Max("received_at")
    )
    found: dict[Key, Group] = {}
    for row in rows.order_by():
        key = tuple(row[column] for column in columns)
        values = dict(zip(by, key, strict=True))
        group = found.setdefault(key, Group(values, row["first"], row["last"]))
        group.add(row["bucket"], row["count"], row["first"], row["last"])
    return sorted(found.values(), key=_place)[: MOST_GROUPS + 1]


def _place(group: Group) -> Key:
    latest_first = [-time.timestamp() for time in (group.values.get("time"),) if time]
    return (*latest_first, -group.count, *group.values.values())


def _query(values: dict[str, Any], period: Period, status: str) -> str:
    """Return the query by which the media list shows exactly this group."""
    params = {"status__exact": status}
    for name, value in values.items():
        if name == "time":
            period = _within(period, value)
        else:
            params[f"{BY[name]}__exact"] = value or NONE
    if period.name:
        # The groups are to stay what was looked at, while the clock goes on.
        period = Period(period.since, period.until)
    return urlencode({**params, **period.params()})


def _within(period: Period, bucket: datetime) -> Period:
    length = timedelta(hours=1) if _hourly(period) else timedelta(days=1)
    return Period(max(period.since, bucket), min(period.until, bucket + length))


def _add_examples(media: MediaQuerySet, by: list[str], groups: Iterable[Group]) -> None:
    """Give each group its newest items, all of them in one query."""
    columns = [BY[name] for name in by]
    same = [F(column) for column in columns]
    place = Window(RowNumber(), partition_by=same, order_by=F("received_at").desc())
    newest = media.annotate(place=place).filter(place__lte=EXAMPLES).order_by("-received_at")
    # The rows are long: only those that are shown are read, the others stay in the index.
    ids = newest.values("pk")[: EXAMPLES * MOST_GROUPS * 10]
    of_group = {tuple(group.values.values()): group.examples for group in groups}
    fields = {"error", "account_sid", "host", "media_sid", "identity", "received_at"}
    for item in media.filter(pk__in=ids).only(*fields).order_by("-received_at"):
        key = tuple(getattr(item, column) for column in columns)
        if key in of_group:
            of_group[key].append(item)


def _bars(counts: Counter[datetime], period: Period) -> list[tuple[int, int, int]]:
    """Return place, top and height of each bar of a group's small picture."""
    most = max(counts.values())
    bars = []
    for bucket, count in sorted(counts.items()):
        height = max(round(HEIGHT * count / most), 2)
        bars.append((_number(period, bucket) * (BAR + GAP), HEIGHT - height, height))
    return bars


def _hourly(period: Period) -> bool:
    return period.length <= HOURLY


def _number(period: Period, moment_within: datetime) -> int:
    """Return in which hour or day of the period a moment lies; a day may have 23 hours or 25."""
    first = timezone.localtime(period.since).replace(minute=0, second=0, microsecond=0)
    if not _hourly(period):
        first = first.replace(hour=0)
    length = timedelta(hours=1) if _hourly(period) else timedelta(days=1)
    return max(0, round((moment_within - first) / length))


def _buckets(period: Period) -> int:
    return _number(period, period.until) + 1
