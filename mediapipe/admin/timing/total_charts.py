from __future__ import annotations

from dataclasses import replace

from mediapipe.admin.text import counted, duration
from mediapipe.admin.timing.chart import BEFORE, Chart, Column, Series
from mediapipe.admin.timing.chart_data import ChartData
from mediapipe.timing.distribution import DelayDistribution
from mediapipe.timing.percent import percent
from mediapipe.timing.tally import MANY_ATTEMPTS


def distribution_chart(data: ChartData) -> Chart:
    """The distribution of the propagation delay, as a band between its bounds."""
    points, measured = data.distribution.points, data.distribution.measured
    # Once all media items are certainly available, the rest of the curve is flat.
    last = next((n for n, point in enumerate(points) if point.lower == measured), len(points) - 1)
    points = points[: last + 1]
    new = _available(data.distribution, last + 1)
    old = _available(data.before.distribution, last + 1)
    return Chart(
        key="spread",
        title="Distribution of the propagation delay",
        lead="The share of the media that was available within a time after the webhook. The lower "
        "edge counts an item when it was found, the upper edge right after its last 404; the "
        "actual share is in between.",
        kind="lines",
        scale="share",
        x_title="time after the webhook",
        y_title="share of measured media",
        labels=[duration(point.seconds) for point in points],
        series=[new, replace(old, name=BEFORE.format(old.name), before=0)],
        columns=[
            Column("after", "s"),
            Column("available at least", "count"),
            Column("available at most", "count"),
            Column("share at least", "share"),
            Column("share at most", "share"),
            Column("share before at least", "share"),
            Column("share before at most", "share"),
        ],
        rows=[
            [point.seconds, point.lower, point.upper, *shares]
            for point, *shares in zip(
                points, new.least or [], new.values, old.least or [], old.values, strict=True
            )
        ],
        notes=[f"{counted(measured, 'media item')} measured."],
    )


def _available(distribution: DelayDistribution, number: int) -> Series:
    """Return the shares of media that were available at the first `number` points."""
    measured, points = distribution.measured, distribution.points[:number]
    if not measured:
        nothing = [None] * len(points)
        return Series("available media", nothing, ["-"] * len(points), nothing)
    lower = [point.lower / measured for point in points]
    upper = [point.upper / measured for point in points]
    bounds = zip(lower, upper, strict=True)
    texts = [f"{percent(least)} to {percent(most)}" for least, most in bounds]
    return Series("available media", upper, texts, lower)


def attempts_chart(data: ChartData) -> Chart:
    """How many attempts the stored media needed."""
    counts, before = data.attempts, [*data.before.attempts.values()]
    stored = sum(counts.values())
    names = [f"{number}{'+' if number == MANY_ATTEMPTS else ''}" for number in counts]
    shares = [count / stored if stored else 0.0 for count in counts.values()]
    texts = [
        f"{count:,} ({percent(share)})"
        for count, share in zip(counts.values(), shares, strict=True)
    ]
    return Chart(
        key="attempts",
        title="Attempts until success",
        lead="The number of attempts until the file was stored. One attempt: the media was "
        "available at once. Eleven or more: it needed the slow phase.",
        kind="bars",
        scale="count",
        x_title="attempts",
        y_title="stored media items",
        labels=names,
        series=[
            Series("stored", [*counts.values()], texts),
            Series(
                BEFORE.format("stored"),
                before if any(before) else [None] * len(before),
                [f"{count:,}" for count in before],
                before=0,
            ),
        ],
        columns=[
            Column("attempts", "text"),
            Column("stored", "count"),
            Column("share", "share"),
            Column("stored before", "count"),
        ],
        rows=[list(row) for row in zip(names, counts.values(), shares, before, strict=True)],
    )


def outcomes_chart(data: ChartData) -> Chart:
    """The funnel from webhooks to the current states of their media."""
    total, query = data.total, data.selection.query
    links = {
        "media announced": query(),
        "had an early 404": query(early_404="yes"),
        "stored": query(status__exact="stored"),
        "still waiting": query(waiting_longer_than="0"),
        "failed": query(status__exact="failed"),
        "absent at Twilio": query(status__exact="absent"),
    }
    steps, before = _steps(data), _steps(data.before)
    counts = [*steps.values()]
    shares = [count / total.media if total.media else None for count in counts]
    # Webhooks are not a share of the media: some announce none.
    shares[0] = None
    texts = [
        f"{count:,}" + (f" ({percent(share)})" if share is not None else "")
        for count, share in zip(counts, shares, strict=True)
    ]
    return Chart(
        key="outcomes",
        title="Outcomes",
        lead="From the webhooks of the period to the current states of their media.",
        kind="rows",
        scale="count",
        x_title="",
        y_title="",
        labels=[f"{name}: {text}" for name, text in zip(steps, texts, strict=True)],
        series=[Series("number", counts, texts)],
        columns=[
            Column("step", "text"),
            Column("number", "count"),
            Column("of media", "share"),
            Column("number before", "count"),
        ],
        rows=[list(row) for row in zip(steps, counts, shares, before.values(), strict=True)],
        links=[links.get(name, "") for name in steps],
    )


def _steps(data: ChartData) -> dict[str, int]:
    total = data.total
    return {
        "webhooks": data.webhooks,
        "media announced": total.media,
        "attempted": total.attempted,
        "had an early 404": total.early,
        "stored": total.stored,
        "still waiting": total.waiting,
        "failed": total.failed,
        "absent at Twilio": total.absent,
    }
