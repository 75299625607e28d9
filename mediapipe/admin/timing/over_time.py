"""The charts that have the time at their foot."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from math import isinf

from django.utils import timezone

from mediapipe.admin.text import seconds
from mediapipe.admin.timing.chart import Chart, Column, Series
from mediapipe.admin.timing.chart_data import Answers
from mediapipe.timing.delays import Figures
from mediapipe.timing.over_time import HOUR, Share
from mediapipe.timing.period import Period
from mediapipe.timing.selection import Selection

NAMES = ("p50", "p95", "p99")
# One of so many values lies beyond the percentile; of fewer it is no more than the largest.
NEEDED = (2, 20, 100)
P95 = 1
AFTER = "time after the webhook"


def delay(answers: Answers) -> Chart:
    """The percentiles of the propagation delay, each as a band."""
    buckets = answers.buckets
    columns = [Column("from", "time"), Column("measured", "count")]
    for name in NAMES:
        columns += [Column(f"{name} at least", "s"), Column(f"{name} at most", "s")]
    return Chart(
        key="delay",
        title="Propagation delay over time",
        lead="How long after its webhook the media was there. Each percentile is a band: it lies "
        "between the last 404 and the first other answer, and nobody can know it any closer.",
        kind="lines",
        scale="seconds",
        x_title=_foot(buckets),
        y_title=AFTER,
        labels=_labels(buckets),
        series=[_band(number, name, buckets.values()) for number, name in enumerate(NAMES)],
        columns=columns,
        rows=[
            [at, of.measured, *(bound for number in range(3) for bound in bounds(of, number))]
            for at, of in buckets.items()
        ],
        links=_links(answers.selection, buckets),
        notes=_left_out(buckets.values(), NAMES),
    )


def whose(answers: Answers) -> Chart:
    """Our queue lag beside Twilio's propagation delay, of the slowest twentieth of both."""
    buckets = answers.buckets
    lags = [of.lag[P95] if of.lag else None for of in buckets.values()]
    drawn = [
        lag if of.attempted >= NEEDED[P95] else None
        for lag, of in zip(lags, buckets.values(), strict=True)
    ]
    lag = Series("queue lag p95 (ours)", drawn, [*map(seconds, drawn)])
    return Chart(
        key="whose",
        title="Whose delay was it?",
        lead="Where the lower edge of the delay rises, Twilio was late. Where our queue lag rises "
        "and takes only the upper edge along, we were: we asked late for what was there.",
        kind="lines",
        scale="seconds",
        x_title=_foot(buckets),
        y_title=AFTER,
        labels=_labels(buckets),
        series=[_band(P95, "propagation delay p95 (Twilio)", buckets.values()), lag],
        columns=[
            Column("from", "time"),
            Column("attempted", "count"),
            Column("queue lag p95", "s"),
            Column("delay p95 at least", "s"),
            Column("delay p95 at most", "s"),
        ],
        rows=[
            [at, of.attempted, lag_s, *bounds(of, P95)]
            for (at, of), lag_s in zip(buckets.items(), lags, strict=True)
        ],
        links=_links(answers.selection, buckets),
        notes=_left_out(buckets.values(), ["p95"]),
    )


def early(answers: Answers) -> Chart:
    """The share of media that had an early 404, hour by hour."""
    hours = answers.hours
    each = "day" if _step(hours) == 24 * HOUR else "hour" if _step(hours) == HOUR else "6 hours"
    shares = [
        share.early / share.attempted if share.attempted else None for share in hours.values()
    ]
    rows = zip(hours.items(), shares, strict=True)
    return Chart(
        key="early",
        title=f"Early 404s, each {each}",
        lead="The share of media whose webhook was faster than the media: items with a 404 at "
        "least, of all that were attempted. The sooner we ask, the more of them there are.",
        kind="bars",
        scale="share",
        x_title=_foot(hours),
        y_title="share of attempted media",
        labels=_labels(hours),
        series=[Series("with an early 404", shares, [*map(_of, hours.values())])],
        columns=[
            Column("from", "time"),
            Column("attempted", "count"),
            Column("with an early 404", "count"),
            Column("share", "share"),
        ],
        rows=[[at, share.attempted, share.early, part] for (at, share), part in rows],
        links=_links(answers.selection, hours, early_404="yes"),
    )


def bounds(of: Figures, number: int) -> tuple[float | None, float | None]:
    """Return between which seconds a percentile of the delay lies; infinity for no upper bound."""
    if not of.at_least or not of.at_most:
        return None, None
    return of.at_least[number], of.at_most[number]


def between(least: float | None, most: float | None) -> str:
    """Return the interval in words."""
    if least is None or most is None:
        return "-"
    if isinf(most):
        return f"over {seconds(least)}"
    return f"{seconds(least)} to {seconds(most)}" if least else f"at most {seconds(most)}"


def _band(number: int, name: str, buckets: Iterable[Figures]) -> Series:
    pairs = [
        bounds(of, number) if of.measured >= NEEDED[number] else (None, None) for of in buckets
    ]
    least, most = zip(*pairs, strict=True)
    return Series(name, most, [between(*pair) for pair in pairs], least)


def _left_out(buckets: Collection[Figures], names: Iterable[str]) -> list[str]:
    """Return what is to be said about gaps in the lines."""
    numbers = [NAMES.index(name) for name in names]
    notes = [_too_few(buckets, number) for number in numbers]
    if any(isinf(bounds(of, number)[1] or 0) for of in buckets for number in numbers):
        notes.append(
            "Where an upper edge is missing, so many media are still not there that it is unknown."
        )
    return [*filter(None, notes)]


def _too_few(buckets: Collection[Figures], number: int) -> str:
    few = sum(0 < of.measured < NEEDED[number] for of in buckets)
    if not few:
        return ""
    return (
        f"{NAMES[number]} is not drawn at {few} of {len(buckets)} points, because fewer than "
        f"{NEEDED[number]} media stand behind it. The table has it all the same."
    )


def _of(share: Share) -> str:
    if not share.attempted:
        return "nothing attempted"
    return f"{share.early / share.attempted:.1%}: {share.early:,} of {share.attempted:,}"


def _labels(at: Collection[datetime]) -> list[str]:
    """Return the beginnings as short as their distance allows, in TIME_ZONE."""
    form = "%H:%M" if len(at) * _step(at) <= 24 * HOUR else "%b %d %H:%M"
    return [f"{timezone.localtime(moment):{form}}" for moment in at]


def _foot(at: Collection[datetime]) -> str:
    """Return what the axis of times means, with its zone; its offset if it is always the same."""
    offsets = {f"{timezone.localtime(moment):%z}" for moment in at}
    zone = f"{timezone.get_current_timezone_name()}, {' and '.join(sorted(offsets))}"
    return f"webhook received from ... on, each {seconds(_step(at).total_seconds())} ({zone})"


def _step(at: Collection[datetime]) -> timedelta:
    first, *_ = (later - earlier for earlier, later in pairwise([*at, *_endless(at)]))
    return first


def _endless(at: Collection[datetime]) -> Iterator[datetime]:
    if len(at) == 1:
        yield next(iter(at)) + HOUR


def _links(selection: Selection, at: Collection[datetime], **others: str) -> list[str]:
    step = _step(at)
    return [
        Selection(Period(moment, moment + step), **_filters(selection)).query(**others)
        for moment in at
    ]


def _filters(selection: Selection) -> dict[str, str]:
    return {
        "account_sid": selection.account_sid,
        "kind": selection.kind,
        "content_type": selection.content_type,
    }
