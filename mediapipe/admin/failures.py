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

from mediapipe.admin.bulk_changes import MAY_GIVE_UP, MAY_RETRY
from mediapipe.admin.filters import NONE, period_choices
from mediapipe.admin.pages import page, render_page
from mediapipe.admin.summary import FAILURES
from mediapipe.admin.text import account_name, local_time
from mediapipe.failures import (
    Absence,
    Failure,
    FinalFailure,
    LocalFailure,
    Outlook,
    TransientFailure,
)
from mediapipe.models import MediaItem, Status
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.period import DEFAULT, InvalidPeriod, Period

# If there are more, the page suggests fewer columns or a shorter period.
MAX_GROUPS = 100
EXAMPLES = 3
# A bar is an hour in periods up to this length, and a day in longer ones.
HOURLY = timedelta(hours=48)
BY = {"reason": "error", "account": "account_sid", "host": "host", "time": "bucket"}
DEFAULT_BY = ("reason", "account", "host")
SHOWN = {Status.FAILED.value: "Failed", Status.RETRYING.value: "Retrying"}
BAR, GAP, HEIGHT = 4, 1, 24

# The first match counts: a local failure is a transient failure too.
KINDS: dict[type[Failure], str] = {
    LocalFailure: "local",
    TransientFailure: "transient",
    FinalFailure: "final",
    Absence: "absent",
}

Key = tuple[Any, ...]


@dataclass(slots=True)
class FailureGroup:
    """Items with the same values in the grouping columns."""

    values: dict[str, Any]
    first: datetime
    last: datetime
    query: str = ""
    counts: Counter[datetime] = field(default_factory=Counter)
    examples: list[MediaItem] = field(default_factory=list)
    bars: list[tuple[int, int, int]] = field(default_factory=list)

    def add(self, bucket: datetime, count: int, first: datetime, last: datetime) -> None:
        self.counts[bucket] += count
        self.first, self.last = min(self.first, first), max(self.last, last)

    @property
    def count(self) -> int:
        return self.counts.total()

    @property
    def cells(self) -> list[str]:
        return [_cell(name, value) for name, value in self.values.items() if name != "reason"]

    @property
    def can_succeed(self) -> bool:
        """Whether a retry can help, now or after a change."""
        return not (self.failure and self.failure.outlook == Outlook.HOPELESS)

    @property
    def failure(self) -> type[Failure] | None:
        return FAILURES.get(self.values.get("reason", ""))


def _cell(name: str, value: Any) -> str:
    if isinstance(value, datetime):
        return local_time(value)
    return account_name(value) if name == "account" and value else str(value or "-")


@page("failures/", name="failures", title="Failures")
def failures(request: HttpRequest) -> HttpResponse:
    """Show the groups of a period, each with examples and links to retry it or give up on it."""
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
    other = next(value for value in SHOWN if value != status)
    return render_page(
        request,
        "failures.html",
        title="Failures",
        **period_choices(period),
        bucket="hour" if _hourly(period) else "day",
        by=by,
        dimensions=list(BY),
        status=status,
        shown=SHOWN,
        groups=groups[:MAX_GROUPS],
        more=len(groups) > MAX_GROUPS,
        total=sum(group.count for group in groups[:MAX_GROUPS]),
        bars_width=(_number(period, period.until) + 1) * (BAR + GAP),
        all_query=period.query(status__exact=status),
        others=_media(period, other).count(),
        others_query=period.query(status__exact=other),
        may_retry=request.user.has_perm(MAY_RETRY),
        # Failed items have already ended.
        may_give_up=status == Status.RETRYING and request.user.has_perm(MAY_GIVE_UP),
    )


def _period(request: HttpRequest) -> Period:
    now = timezone.now()
    params = {key: request.GET.get(key, "") for key in ("period", "since", "until")}
    try:
        return Period.from_query(params, now)
    except InvalidPeriod as error:
        messages.error(request, str(error))
        return Period.named(DEFAULT, now)


def _media(period: Period, status: str) -> MediaQuerySet:
    media = MediaItem.objects.filter(
        status=status, received_at__gte=period.since, received_at__lt=period.until
    ).exclude(error="")
    bucket = TruncHour("received_at") if _hourly(period) else TruncDay("received_at")
    # Generic: to mypy an annotated row has a type of its own.
    return cast(MediaQuerySet, media.annotate(bucket=bucket))


def _groups(media: MediaQuerySet, by: list[str]) -> list[FailureGroup]:
    """Return the largest groups, one more than the page shows; with `time`, the latest ones.

    One pass over the items is enough: a group is the sum of its hours or days.
    """
    columns = [BY[name] for name in by]
    rows = media.values(*dict.fromkeys([*columns, "bucket"])).annotate(
        count=Count("pk"), first=Min("received_at"), last=Max("received_at")
    )
    found: dict[Key, FailureGroup] = {}
    for row in rows.order_by():
        key = tuple(row[column] for column in columns)
        values = dict(zip(by, key, strict=True))
        group = found.setdefault(key, FailureGroup(values, row["first"], row["last"]))
        group.add(row["bucket"], row["count"], row["first"], row["last"])
    return sorted(found.values(), key=_place)[: MAX_GROUPS + 1]


def _place(group: FailureGroup) -> Key:
    latest_first = [-time.timestamp() for time in (group.values.get("time"),) if time]
    return (*latest_first, -group.count, *group.values.values())


def _query(values: dict[str, Any], period: Period, status: str) -> str:
    """Return the query string for exactly this group in the media list."""
    params = {"status__exact": status}
    for name, value in values.items():
        if name == "time":
            period = _within(period, value)
        else:
            params[f"{BY[name]}__exact"] = value or NONE
    if period.name:
        # The link must still show the same items later.
        period = Period(period.since, period.until)
    return urlencode({**params, **period.params()})


def _within(period: Period, bucket: datetime) -> Period:
    length = timedelta(hours=1) if _hourly(period) else timedelta(days=1)
    return Period(max(period.since, bucket), min(period.until, bucket + length))


def _add_examples(media: MediaQuerySet, by: list[str], groups: Iterable[FailureGroup]) -> None:
    """Add to each group its newest items, with one query for all groups."""
    columns = [BY[name] for name in by]
    same = [F(column) for column in columns]
    place = Window(RowNumber(), partition_by=same, order_by=F("received_at").desc())
    newest = media.annotate(place=place).filter(place__lte=EXAMPLES).order_by("-received_at")
    # Rows are large: the window function uses the index, and only the chosen rows are read.
    ids = newest.values("pk")[: EXAMPLES * MAX_GROUPS * 10]
    of_group = {tuple(group.values.values()): group.examples for group in groups}
    fields = {"error", "account_sid", "host", "media_sid", "identity", "received_at"}
    for item in media.filter(pk__in=ids).only(*fields).order_by("-received_at"):
        key = tuple(getattr(item, column) for column in columns)
        if key in of_group:
            of_group[key].append(item)


def _bars(counts: Counter[datetime], period: Period) -> list[tuple[int, int, int]]:
    """Return x, top and height of each bar of a group's chart, in SVG units."""
    most = max(counts.values())
    bars = []
    for bucket, count in sorted(counts.items()):
        height = max(round(HEIGHT * count / most), 2)
        bars.append((_number(period, bucket) * (BAR + GAP), HEIGHT - height, height))
    return bars


def _hourly(period: Period) -> bool:
    return period.length <= HOURLY


def _number(period: Period, moment_within: datetime) -> int:
    """Return the number of a time's bar, from 0; rounded, as days may have 23 or 25 hours."""
    first = timezone.localtime(period.since).replace(minute=0, second=0, microsecond=0)
    if not _hourly(period):
        first = first.replace(hour=0)
    length = timedelta(hours=1) if _hourly(period) else timedelta(days=1)
    return max(0, round((moment_within - first) / length))


@page("failures/reasons/", name="reasons")
def reasons(request: HttpRequest) -> HttpResponse:
    """Show every reason, with an anchor of the same name and the number of items that have it."""
    having_one = MediaItem.objects.order_by().exclude(error="")
    counts = dict(having_one.values_list("error").annotate(count=Count("pk")))
    rows = [
        (
            failure.slug,
            next(kind for base, kind in KINDS.items() if issubclass(failure, base)),
            failure.meaning(),
            failure.todo,
            counts.get(failure.slug, 0),
        )
        for failure in sorted(Failure.all(), key=lambda failure: failure.slug)
    ]
    return render_page(request, "reasons.html", title="Failure reasons", reasons=rows)
