"""The charts about the period as a whole."""

from __future__ import annotations

from mediapipe.admin.text import counted, seconds
from mediapipe.admin.timing.chart import Chart, Column, Series
from mediapipe.admin.timing.chart_data import Answers
from mediapipe.timing.outcomes import MANY_ATTEMPTS


def spread(answers: Answers) -> Chart:
    """The distribution of the delay, as the band that its intervals allow."""
    marks, measured = answers.spread.marks, answers.spread.measured
    # Behind the mark at which all is there for sure the curve says nothing more.
    last = next((n for n, mark in enumerate(marks) if mark.surely == measured), len(marks) - 1)
    marks = marks[: last + 1]
    surely = [mark.surely / measured if measured else 0.0 for mark in marks]
    perhaps = [mark.perhaps / measured if measured else 0.0 for mark in marks]
    texts = [f"{least:.1%} to {most:.1%}" for least, most in zip(surely, perhaps, strict=True)]
    return Chart(
        key="spread",
        title="How much was there after how long",
        lead="The distribution of the propagation delay. The lower edge counts an item once it "
        "was found, the upper edge once its last 404 was over: the truth lies between.",
        kind="lines",
        scale="share",
        x_title="time after the webhook",
        y_title="share of measured media",
        labels=[seconds(mark.seconds) for mark in marks],
        series=[Series("media that was there", perhaps, texts, surely)],
        columns=[
            Column("after", "s"),
            Column("there at least", "count"),
            Column("there at most", "count"),
            Column("share at least", "share"),
            Column("share at most", "share"),
        ],
        rows=[
            [mark.seconds, mark.surely, mark.perhaps, least, most]
            for mark, least, most in zip(marks, surely, perhaps, strict=True)
        ],
        notes=[f"{counted(measured, 'media item')} measured."],
    )


def attempts(answers: Answers) -> Chart:
    """How many attempts it took until the file was stored."""
    counts = answers.attempts
    stored = sum(counts.values())
    names = [f"{number}{'+' if number == MANY_ATTEMPTS else ''}" for number in counts]
    shares = [count / stored if stored else 0.0 for count in counts.values()]
    texts = [
        f"{count:,} ({share:.1%})" for count, share in zip(counts.values(), shares, strict=True)
    ]
    return Chart(
        key="attempts",
        title="Attempts until success",
        lead="How many requests it took until the file was stored. One is a file that was there "
        "when we asked; from eleven on it took the slow phase.",
        kind="bars",
        scale="count",
        x_title="attempts",
        y_title="stored media items",
        labels=names,
        series=[Series("stored", [*counts.values()], texts)],
        columns=[Column("attempts", "text"), Column("stored", "count"), Column("share", "share")],
        rows=[list(row) for row in zip(names, counts.values(), shares, strict=True)],
    )


def outcomes(answers: Answers) -> Chart:
    """From the webhooks to what became of their media."""
    total, query = answers.total, answers.selection.query
    steps = [
        ("webhooks", answers.webhooks, ""),
        ("media announced", total.media, query()),
        ("attempted", total.attempted, ""),
        ("had an early 404", total.early, query(early_404="yes")),
        ("stored", total.stored, query(status__exact="stored")),
        ("still waiting", total.waiting, query(waiting_longer_than="0")),
        ("failed", total.failed, query(status__exact="failed")),
        ("absent at Twilio", total.absent, query(status__exact="absent")),
    ]
    shares = [count / total.media if total.media else None for _, count, _ in steps]
    # A webhook is no part of the media: there are those without any.
    shares[0] = None
    texts = [
        f"{count:,}" + (f" ({share:.1%})" if share is not None else "")
        for (_, count, _), share in zip(steps, shares, strict=True)
    ]
    return Chart(
        key="outcomes",
        title="What became of it",
        lead="From the webhooks of the period to what has become of their media by now.",
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
