"""What fails, in groups: the same reason, account and host is one trouble, however many items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count, F, Max, Min, Window
from django.db.models.functions import RowNumber, TruncDay, TruncHour
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from mediapipe.admin.filters import NONE
from mediapipe.admin.pages import page, render_page
from mediapipe.admin.story import MEANINGS
from mediapipe.admin.text import moment
from mediapipe.models import MediaItem, Status
from mediapipe.models.querysets import MediaQuerySet
from mediapipe.period import LENGTHS, Period, PeriodUnreadable

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
    count: int
    first: datetime
    last: datetime
    query: str
    examples: list[MediaItem] = field(default_factory=list)
    bars: list[tuple[int, int, int]] = field(default_factory=list)

    @property
    def cells(self) -> list[str]:
        """Return the values in the order of the columns, as they are shown."""
        return [
            moment(value) if isinstance(value, datetime) else str(value or "-")
            for name, value in self.values.items()
            if name != "reason"
        ]

    @property
    def meaning(self) -> str:
        """Return what the reason means, if the group has one."""
        failure = MEANINGS.get(self.values.get("reason", ""))
        return failure.meaning() if failure else ""


@page("failures/", name="failures", title="Failures")
def failures(request: HttpRequest) -> HttpResponse:
    """Show the groups of a period, with examples and the way to retry each."""
    period = _period(request)
    status = request.GET.get("status__exact", "")
    status = status if status in SHOWN else Status.FAILED.value
    by = [name for name in BY if name in request.GET.getlist("by")] or list(DEFAULT_BY)
    media = _media(period, status)
    groups = _groups(media, by, period, status)
    _add_examples(media, by, groups)
    if "time" not in by:
        _add_bars(media, by, groups, period)
    return render_page(
        request,
        "failures.html",
        title="Failures",
        period=period,
        lengths=LENGTHS,
        since=moment(period.since),
        until=moment(period.until),
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
        return Period.read(params if any(params.values()) else {"period": DEFAULT_PERIOD}, now)
    except PeriodUnreadable as error:
        messages.error(request, str(error))
        return Period.named(DEFAULT_PERIOD, now)


def _media(period: Period, status: str) -> MediaQuerySet:
    media = MediaItem.objects.filter(
        status=status, received_at__gte=period.since, received_at__lt=period.until
    ).exclude(error="")
    bucket = TruncHour("received_at") if _hourly(period) else TruncDay("received_at")
    return media.annotate(bucket=bucket)


def _groups(media: MediaQuerySet, by: list[str], period: Period, status: str) -> list[Group]:
    columns = [BY[name] for name in by]
    rows = media.values(*columns).annotate(
        count=Count("pk"), first=Min("received_at"), last=Max("received_at")
    )
    order = ["-bucket", "-count"] if "time" in by else ["-count"]
    found = []
    for row in rows.order_by(*order, *columns)[: MOST_GROUPS + 1]:
        values = {name: row[BY[name]] for name in by}
        query = _query(values, period, status)
        found.append(Group(values, row["count"], row["first"], row["last"], query))
    return found


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
    newest = media.annotate(place=place).filter(place__lte=EXAMPLES)
    of_group = {tuple(group.values.values()): group.examples for group in groups}
    fields = {"error", "account_sid", "host", "media_sid", "identity", "received_at"}
    for item in newest.only(*fields).order_by("-received_at")[: EXAMPLES * MOST_GROUPS * 10]:
        key = tuple(getattr(item, column) for column in columns)
        if key in of_group:
            of_group[key].append(item)


def _add_bars(media: MediaQuerySet, by: list[str], groups: Iterable[Group], period: Period) -> None:
    """Give each group its counts over time as the bars of a small picture."""
    columns = [BY[name] for name in by]
    rows = media.values(*columns, "bucket").annotate(count=Count("pk")).order_by()
    counts: dict[Key, dict[int, int]] = {}
    for row in rows:
        key = tuple(row[column] for column in columns)
        counts.setdefault(key, {})[_number(period, row["bucket"])] = row["count"]
    for group in groups:
        found = counts.get(tuple(group.values.values()), {})
        most = max(found.values(), default=1)
        for number, count in sorted(found.items()):
            height = max(round(HEIGHT * count / most), 2)
            group.bars.append((number * (BAR + GAP), HEIGHT - height, height))


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
