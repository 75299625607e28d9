from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from math import isinf

from django.utils import timezone

from mediapipe.admin.text import delay_range, duration
from mediapipe.admin.timing.chart import BEFORE, Chart, Column, Series
from mediapipe.admin.timing.chart_data import ChartData
from mediapipe.admin.timing.comparison import NAMES, P95
from mediapipe.timing.percent import percent
from mediapipe.timing.period import Period
from mediapipe.timing.selection import Selection
from mediapipe.timing.summary import TimingSummary
from mediapipe.timing.time_series import DAY, HOUR, EarlyShare

# With fewer values, a percentile is just the largest of them.
NEEDED = (2, 20, 100)
AFTER_WEBHOOK = "time after the webhook"
P95_BEFORE = (
    Column("delay p95 before at least", "s"),
    Column("delay p95 before at most", "s"),
)


def delay_chart(data: ChartData) -> Chart:
    """The percentiles of the propagation delay, each as a band between its bounds."""
    summaries = data.summaries
    columns = [Column("from", "time"), Column("measured", "count")]
    for name in NAMES:
        columns += [Column(f"{name} at least", "s"), Column(f"{name} at most", "s")]
    before = [row.delay_bounds(P95) for row in data.summaries_before]
    return Chart(
        key="delay",
        title="Propagation delay over time",
        lead="How long after its webhook the media became available. Each percentile is a band "
        "between the last 404 and the first non-404 response: the exact time is unknown.",
        kind="lines",
        scale="seconds",
        x_title=_time_axis(summaries, data.bucket),
        y_title=AFTER_WEBHOOK,
        labels=_labels(summaries, data.bucket),
        series=[
            *(_band(number, name, summaries.values()) for number, name in enumerate(NAMES)),
            _before(_band(P95, NAMES[P95], data.summaries_before), P95),
        ],
        columns=[*columns, *P95_BEFORE],
        rows=[
            [at, row.measured, *(bound for n in range(3) for bound in row.delay_bounds(n)), *old]
            for (at, row), old in zip(summaries.items(), before, strict=True)
        ],
        links=_links(data.selection, summaries, data.bucket),
        notes=_gap_notes(summaries.values(), range(3)),
    )


def comparison_chart(data: ChartData) -> Chart:
    """The p95 of our queue lag beside the p95 of Twilio's propagation delay."""
    summaries = data.summaries
    before = data.summaries_before
    return Chart(
        key="whose",
        title="Whose delay was it?",
        lead="If the lower edge of the delay rises, Twilio was late. If our queue lag rises and "
        "only the upper edge follows, we were: the media was available before we requested it.",
        kind="lines",
        scale="seconds",
        x_title=_time_axis(summaries, data.bucket),
        y_title=AFTER_WEBHOOK,
        labels=_labels(summaries, data.bucket),
        series=[
            _band(P95, "propagation delay p95 (Twilio)", summaries.values()),
            _lag("queue lag p95 (ours)", summaries.values()),
            _before(_band(P95, "delay p95", before), 0),
            _before(_lag("queue lag p95", before), 1),
        ],
        columns=[
            Column("from", "time"),
            Column("attempted", "count"),
            Column("queue lag p95", "s"),
            Column("delay p95 at least", "s"),
            Column("delay p95 at most", "s"),
            Column("queue lag p95 before", "s"),
            *P95_BEFORE,
        ],
        rows=[
            [at, row.attempted, *_parts(row), *_parts(old)]
            for (at, row), old in zip(summaries.items(), before, strict=True)
        ],
        links=_links(data.selection, summaries, data.bucket),
        notes=_gap_notes(summaries.values(), [P95]),
    )


def early_chart(data: ChartData) -> Chart:
    """The share of media items with an early 404."""
    early = data.early
    shares, texts = _early_shares(early.values())
    shares_before, texts_before = _early_shares(data.early_before)
    names = {HOUR: "hour", DAY: "day", 7 * DAY: "week"}
    bucket = names.get(data.early_bucket) or duration(data.early_bucket.total_seconds())
    return Chart(
        key="early",
        title=f"Early 404s per {bucket}",
        lead="The share of attempted media with at least one early 404: its webhook came before "
        "the media was available. The earlier the first attempt, the higher the share.",
        kind="bars",
        scale="share",
        x_title=_time_axis(early, data.early_bucket),
        y_title="share of attempted media",
        labels=_labels(early, data.early_bucket),
        series=[
            Series("with an early 404", shares, texts),
            _before(Series("with an early 404", shares_before, texts_before), 0),
        ],
        columns=[
            Column("from", "time"),
            Column("attempted", "count"),
            Column("with an early 404", "count"),
            Column("share", "share"),
            Column("share before", "share"),
        ],
        rows=[
            [at, row.attempted, row.early, share, old]
            for (at, row), share, old in zip(early.items(), shares, shares_before, strict=True)
        ],
        links=_links(data.selection, early, data.early_bucket, early_404="yes"),
    )


def _early_shares(rows: Collection[EarlyShare]) -> tuple[list[float | None], list[str]]:
    shares = [row.early / row.attempted if row.attempted else None for row in rows]
    return shares, [
        "nothing attempted"
        if share is None
        else f"{percent(share)}: {row.early:,} of {row.attempted:,}"
        for row, share in zip(rows, shares, strict=True)
    ]


def _before(series: Series, of: int) -> Series:
    """Return the series of the period before, drawn like the series with number `of`."""
    return replace(series, name=BEFORE.format(series.name), before=of)


def _lag_s(row: TimingSummary) -> float | None:
    return row.lag[P95] if row.lag else None


def _parts(row: TimingSummary) -> list[float | None]:
    """Return our queue lag and Twilio's delay between its bounds."""
    return [_lag_s(row), *row.delay_bounds(P95)]


def _lag(name: str, rows: Iterable[TimingSummary]) -> Series:
    drawn = [_lag_s(row) if row.attempted >= NEEDED[P95] else None for row in rows]
    return Series(name, drawn, [*map(duration, drawn)])


def _band(number: int, name: str, summaries: Iterable[TimingSummary]) -> Series:
    pairs = [
        row.delay_bounds(number) if row.measured >= NEEDED[number] else (None, None)
        for row in summaries
    ]
    least, most = zip(*pairs, strict=True)
    return Series(name, most, [delay_range(*pair) for pair in pairs], least)


def _gap_notes(summaries: Collection[TimingSummary], numbers: Iterable[int]) -> list[str]:
    """Return the explanations of gaps in the lines of these percentiles."""
    notes = []
    for number in numbers:
        few = sum(0 < row.measured < NEEDED[number] for row in summaries)
        if few:
            notes.append(
                f"{NAMES[number]} is not drawn at {few} of {len(summaries)} points, which have "
                f"fewer than {NEEDED[number]} measured media items. The table includes them."
            )
    if any(isinf(row.delay_bounds(number)[1] or 0) for row in summaries for number in numbers):
        notes.append(
            "Where the upper edge is missing, too much media is still unavailable to know it."
        )
    return notes


def _labels(starts: Collection[datetime], bucket: timedelta) -> list[str]:
    """Return the starts in TIME_ZONE, without the date if they fit into one day."""
    form = "%H:%M" if len(starts) * bucket <= DAY else "%b %d %H:%M"
    return [f"{timezone.localtime(at):{form}}" for at in starts]


def _time_axis(starts: Collection[datetime], bucket: timedelta) -> str:
    # Both offsets if the clock changes within the period.
    offsets = sorted({f"{timezone.localtime(at):%z}" for at in starts})
    zone = f"{timezone.get_current_timezone_name()}, {' and '.join(offsets)}"
    return f"time of the webhook, in buckets of {duration(bucket.total_seconds())} ({zone})"


def _links(
    selection: Selection, starts: Collection[datetime], bucket: timedelta, **others: str
) -> list[str]:
    return [replace(selection, period=Period(at, at + bucket)).query(**others) for at in starts]
