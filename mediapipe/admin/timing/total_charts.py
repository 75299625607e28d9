from __future__ import annotations

from mediapipe.admin.text import counted, duration
from mediapipe.admin.timing.chart import Chart, Column, Series
from mediapipe.admin.timing.chart_data import ChartData
from mediapipe.timing.tally import MANY_ATTEMPTS


def distribution_chart(data: ChartData) -> Chart:
    """The distribution of the propagation delay, as a band between its bounds."""
    points, measured = data.distribution.points, data.distribution.measured
    # Once all media items are certainly available, the rest of the curve is flat.
    last = next((n for n, point in enumerate(points) if point.lower == measured), len(points) - 1)
    points = points[: last + 1]
    lower = [point.lower / measured if measured else 0.0 for point in points]
    upper = [point.upper / measured if measured else 0.0 for point in points]
    texts = [f"{least:.1%} to {most:.1%}" for least, most in zip(lower, upper, strict=True)]
    return Chart(
        key="spread",
        title="Distribution of the propagation delay",
        lead="How much of the media was available after how long. The lower edge counts an item "
        "once it was found, the upper edge right after its last 404: the truth lies between.",
        kind="lines",
        scale="share",
        x_title="time after the webhook",
        y_title="share of measured media",
        labels=[duration(point.seconds) for point in points],
        series=[Series("available media", upper, texts, lower)],
        columns=[
            Column("after", "s"),
            Column("available at least", "count"),
            Column("available at most", "count"),
            Column("share at least", "share"),
            Column("share at most", "share"),
        ],
        rows=[
            [point.seconds, point.lower, point.upper, least, most]
            for point, least, most in zip(points, lower, upper, strict=True)
        ],
        notes=[f"{counted(measured, 'media item')} measured."],
    )


def attempts_chart(data: ChartData) -> Chart:
    counts = data.attempts
    stored = sum(counts.values())
    names = [f"{number}{'+' if number == MANY_ATTEMPTS else ''}" for number in counts]
    shares = [count / stored if stored else 0.0 for count in counts.values()]
    texts = [
        f"{count:,} ({share:.1%})" for count, share in zip(counts.values(), shares, strict=True)
    ]
    return Chart(
        key="attempts",
        title="Attempts until success",
        lead="The number of attempts until the file was stored. One attempt: the media was "
        "available at once. Eleven or more: it took the slow phase.",
        kind="bars",
        scale="count",
        x_title="attempts",
        y_title="stored media items",
        labels=names,
        series=[Series("stored", [*counts.values()], texts)],
        columns=[Column("attempts", "text"), Column("stored", "count"), Column("share", "share")],
        rows=[list(row) for row in zip(names, counts.values(), shares, strict=True)],
    )


def outcomes_chart(data: ChartData) -> Chart:
    """The funnel from webhooks to the current states of their media."""
    total, query = data.total, data.selection.query
    steps = [
        ("webhooks", data.webhooks, ""),
        ("media announced", total.media, query()),
        ("attempted", total.attempted, ""),
        ("had an early 404", total.early, query(early_404="yes")),
        ("stored", total.stored, query(status__exact="stored")),
        ("still waiting", total.waiting, query(waiting_longer_than="0")),
        ("failed", total.failed, query(status__exact="failed")),
        ("absent at Twilio", total.absent, query(status__exact="absent")),
    ]
    shares = [count / total.media if total.media else None for _, count, _ in steps]
    # Webhooks are not a share of the media: some announce none.
    shares[0] = None
    texts = [
        f"{count:,}" + (f" ({share:.1%})" if share is not None else "")
        for (_, count, _), share in zip(steps, shares, strict=True)
    ]
    return Chart(
        key="outcomes",
        title="Outcomes",
        lead="From the webhooks of the period to the current states of their media.",
        kind="rows",
        scale="count",
        x_title="",
        y_title="",
        labels=[f"{name}: {text}" for (name, *_), text in zip(steps, texts, strict=True)],
        series=[Series("number", [count for _, count, _ in steps], texts)],
        columns=[Column("step", "text"), Column("number", "count"), Column("of media", "share")],
        rows=[[name, count, share] for (name, count, _), share in zip(steps, shares, strict=True)],
        links=[link for *_, link in steps],
    )
