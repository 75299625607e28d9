from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from math import isinf

from django.utils import timezone

from mediapipe.admin.text import delay_range, duration
from mediapipe.admin.timing.chart import Chart, Column, Series
from mediapipe.admin.timing.chart_data import ChartData
from mediapipe.timing.period import Period
from mediapipe.timing.selection import Selection
from mediapipe.timing.summary import TimingSummary
from mediapipe.timing.time_series import DAY, HOUR

NAMES = ("p50", "p95", "p99")
# With fewer values, a percentile is just the largest of them.
NEEDED = (2, 20, 100)
P95 = 1
AFTER_WEBHOOK = "time after the webhook"


def delay_chart(data: ChartData) -> Chart:
    """The percentiles of the propagation delay, each as a band between its bounds."""
    summaries = data.summaries
    columns = [Column("from", "time"), Column("measured", "count")]
    for name in NAMES:
        columns += [Column(f"{name} at least", "s"), Column(f"{name} at most", "s")]
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
        series=[_band(number, name, summaries.values()) for number, name in enumerate(NAMES)],
        columns=columns,
        rows=[
            [at, row.measured, *(bound for n in range(3) for bound in row.delay_bounds(n))]
            for at, row in summaries.items()
        ],
        links=_links(data.selection, summaries, data.bucket),
        notes=_gap_notes(summaries.values(), range(3)),
    )


def comparison_chart(data: ChartData) -> Chart:
    """The p95 of our queue lag beside the p95 of Twilio's propagation delay."""
    summaries = data.summaries
    lags_s = [row.lag[P95] if row.lag else None for row in summaries.values()]
    drawn = [
        lag_s if row.attempted >= NEEDED[P95] else None
        for lag_s, row in zip(lags_s, summaries.values(), strict=True)
    ]
    lag = Series("queue lag p95 (ours)", drawn, [*map(duration, drawn)])
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
        series=[_band(P95, "propagation delay p95 (Twilio)", summaries.values()), lag],
        columns=[
            Column("from", "time"),
            Column("attempted", "count"),
            Column("queue lag p95", "s"),
            Column("delay p95 at least", "s"),
            Column("delay p95 at most", "s"),
        ],
        rows=[
            [at, row.attempted, lag_s, *row.delay_bounds(P95)]
            for (at, row), lag_s in zip(summaries.items(), lags_s, strict=True)
        ],
        links=_links(data.selection, summaries, data.bucket),
        notes=_gap_notes(summaries.values(), [P95]),
    )


def early_chart(data: ChartData) -> Chart:
    """The share of media items with an early 404."""
    early = data.early
    shares = [row.early / row.attempted if row.attempted else None for row in early.values()]
    texts = [
        "nothing attempted" if share is None else f"{share:.1%}: {row.early:,} of {row.attempted:,}"
        for row, share in zip(early.values(), shares, strict=True)
    ]
    names = {HOUR: "hour", DAY: "day", 7 * DAY: "week"}
    bucket = names.get(data.early_bucket) or duration(data.early_bucket.total_seconds())
    return Chart(
        key="early",
        title=f"Early 404s per {bucket}",
        lead="The share of media whose webhook came before the media: items with at least one "
        "404, of all attempted ones. The sooner we send the request, the more there are.",
        kind="bars",
        scale="share",
        x_title=_time_axis(early, data.early_bucket),
        y_title="share of attempted media",
        labels=_labels(early, data.early_bucket),
        series=[Series("with an early 404", shares, texts)],
        columns=[
            Column("from", "time"),
            Column("attempted", "count"),
            Column("with an early 404", "count"),
            Column("share", "share"),
        ],
        rows=[
            [at, row.attempted, row.early, share]
            for (at, row), share in zip(early.items(), shares, strict=True)
        ],
        links=_links(data.selection, early, data.early_bucket, early_404="yes"),
    )


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
                f"{NAMES[number]} is not drawn at {few} of {len(summaries)} points with fewer "
                f"than {NEEDED[number]} measured media items. The table includes them."
            )
    if any(isinf(row.delay_bounds(number)[1] or 0) for row in summaries for number in numbers):
        notes.append(
            "If an upper edge is missing, it is unknown: too much media is still not available."
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
