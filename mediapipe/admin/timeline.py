from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self, TypeAlias

from django.utils import timezone

from mediapipe.admin.summary import start_label
from mediapipe.admin.text import counted, duration
from mediapipe.failures import TransientMedia404
from mediapipe.models import FetchAttempt, MediaItem, Status

WIDE, NARROW = 760, 340
MARGIN = 26
# The minimum distance between two ticks, and between two marks, in SVG units. A mark is a circle
# with a diameter of 20, including its line.
TICK_WIDTH, MARK_WIDTH = 54, 22
# The width of a label is estimated, because only the browser knows its font: in a wide one such as
# DejaVu Sans a digit takes 7 units.
CHARACTER, SPACE = 7.1, 6
# The shortest axis: a logarithmic scale needs a length above zero.
SHORTEST_S = 0.01
TICKS_S = (
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    30,
    60,
    120,
    300,
    600,
    1800,
    3600,
    10800,
    21600,
    43200,
)
DAYS_S = tuple(days * 86400.0 for days in (1, 2, 4, 7, 14, 30))
# The position, kind, sign, label and title of a mark.
Mark: TypeAlias = tuple[float, str, str, str, str]


@dataclass(frozen=True, slots=True)
class TimelineMark:
    """An event; `kind` is its CSS class, `level` and `label_x` place its label."""

    x: float
    kind: str
    sign: str
    label: str
    label_x: float
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """A highlighted part of the line."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Scale:
    """A logarithmic scale, because the gaps between attempts grow exponentially."""

    width: int
    end_s: float

    def x(self, at_s: float) -> float:
        """Return the position of a time, in seconds after the webhook."""
        unit = min(0.5, self.end_s / 20)
        share = math.log1p(max(at_s, 0.0) / unit) / math.log1p(self.end_s / unit)
        return round(MARGIN + share * (self.width - 2 * MARGIN), 1)

    def ticks(self) -> list[tuple[float, str]]:
        """Return positions and labels that do not overlap."""
        found = [(self.x(0.0), "0")]
        for at_s in (*TICKS_S, *DAYS_S):
            x = self.x(at_s)
            if at_s < self.end_s and x - found[-1][0] >= TICK_WIDTH:
                found.append((x, duration(at_s)))
        return found


@dataclass(frozen=True, slots=True)
class Timeline:
    """The coordinates of the SVG; `description` is its text for screen readers."""

    name: str
    width: int
    ticks: list[tuple[float, str]]
    marks: list[TimelineMark]
    queue_lag: TimeSpan | None
    available: TimeSpan | None
    line_end: float
    description: str

    @classmethod
    def from_media(
        cls, media: MediaItem, attempts: Sequence[FetchAttempt], width: int = WIDE
    ) -> Self:
        """Return the timeline of an item with its attempts, oldest first."""
        now = timezone.now()
        scale = Scale(width, _end_s(media, attempts, now))
        return cls(
            name="narrow" if width == NARROW else "wide",
            width=width,
            ticks=scale.ticks(),
            marks=_with_labels(_marks_that_fit(media, attempts, scale), width),
            queue_lag=_stretch(scale, 0.0, media.queue_lag_s),
            available=_stretch(scale, media.delay_at_least_s or 0.0, media.delay_at_most_s),
            line_end=width - MARGIN,
            description=_description(media, attempts),
        )


def _end_s(media: MediaItem, attempts: Sequence[FetchAttempt], now: datetime) -> float:
    moments = [media.retrieved_at, media.failed_at]
    moments += [media.next_attempt_at] if media.status == Status.RETRYING else []
    moments += [attempt.started_at for attempt in attempts[-1:]]
    if media.status in (Status.QUEUED, Status.FETCHING):
        moments.append(now)
    known = [_since_s(media, moment) for moment in moments if moment]
    return max([*known, SHORTEST_S]) * 1.02


def _marks_that_fit(
    media: MediaItem, attempts: Sequence[FetchAttempt], scale: Scale
) -> Iterable[Mark]:
    """Yield the marks, moved where they would overlap; the title of each has its exact time."""
    marks = list(_marks(media, _clusters(media, attempts, scale), scale))
    if len(marks) > scale.width // MARK_WIDTH:
        crowded = _clusters(media, attempts, scale, 2 * MARK_WIDTH, mixed=True)
        marks = list(_marks(media, crowded, scale))
    places = _apart([mark[0] for mark in marks], scale.width)
    for place, (_, kind, sign, label, title) in zip(places, marks, strict=True):
        yield place, kind, sign, label, title


def _apart(places: Iterable[float], width: int) -> list[float]:
    """Return these ascending positions, moved as little as needed to the right, or from its end."""
    moved: list[float] = []
    for x in places:
        moved.append(max(x, moved[-1] + MARK_WIDTH) if moved else x)
    limit = width - MARK_WIDTH / 2
    for index in reversed(range(len(moved))):
        moved[index] = round(min(moved[index], limit), 1)
        limit = moved[index] - MARK_WIDTH
    return moved


def _marks(
    media: MediaItem, clusters: Iterable[list[FetchAttempt]], scale: Scale
) -> Iterable[Mark]:
    """Yield position, kind, sign, label and title of each event in chronological order."""
    label = "at Twilio" if media.reconciled_at else "webhook"
    yield scale.x(0), "receipt", "▸", label, _start(media)
    if media.reconciled_at:
        at_s = _since_s(media, media.reconciled_at)
        yield scale.x(at_s), "receipt", "▸", "found", "found by reconciliation"
    for cluster in clusters:
        first, last = cluster[0], cluster[-1]
        at_s = _since_s(media, first.started_at)
        kind, sign = _kind_and_sign(last)
        label = result = ", ".join(dict.fromkeys(map(_result, cluster)))
        title = f"attempt {first.number}, {_after(media, at_s)}: {result}"
        if len(cluster) > 1:
            until = _after(media, _since_s(media, last.started_at))
            label = f"{result} (x{len(cluster)})"
            title = f"attempts {first.number} to {last.number}, until {until}: {result}"
        yield scale.x(at_s), kind, sign, label, title
    if media.retrieved_at:
        at_s = _since_s(media, media.retrieved_at)
        yield scale.x(at_s), "stored", "✓", "stored", f"stored {_after(media, at_s)}"
    if media.status == Status.RETRYING and media.next_attempt_at:
        at_s = _since_s(media, media.next_attempt_at)
        yield scale.x(at_s), "next", "?", "next", "the next attempt"


def _clusters(
    media: MediaItem,
    attempts: Iterable[FetchAttempt],
    scale: Scale,
    gap: float = MARK_WIDTH,
    *,
    mixed: bool = False,
) -> Iterable[list[FetchAttempt]]:
    """Yield successive attempts together that are closer than `gap`, in SVG units.

    If not `mixed`, those with different results stay apart.
    """
    cluster: list[FetchAttempt] = []
    for attempt in attempts:
        if cluster:
            begin, at = (scale.x(_since_s(media, a.started_at)) for a in (cluster[0], attempt))
            same = mixed or _result(attempt) == _result(cluster[0])
            if at - begin >= gap or not same:
                yield cluster
                cluster = []
        cluster.append(attempt)
    if cluster:
        yield cluster


def _with_labels(marks: Iterable[Mark], width: int) -> list[TimelineMark]:
    """Put each label into the first of two rows with space for it, or omit it.

    At either end it is moved inwards, so that it is not cut off.
    """
    taken = [-SPACE, -SPACE]
    placed = []
    for x, kind, sign, label, title in marks:
        half = len(label) * CHARACTER / 2
        middle = round(max(half, min(x, width - half)), 1)
        level = next((row for row, end in enumerate(taken) if middle - half >= end + SPACE), -1)
        if level >= 0:
            taken[level] = math.ceil(middle + half)
        shown = label if level >= 0 else ""
        placed.append(TimelineMark(x, kind, sign, shown, middle, max(level, 0), title))
    return placed


def _kind_and_sign(attempt: FetchAttempt) -> tuple[str, str]:
    if not attempt.outcome:
        return "running", "…"
    if attempt.outcome == Status.STORED:
        return "found", "•"
    return ("missing" if attempt.outcome == TransientMedia404.slug else "failed"), "✕"


def _result(attempt: FetchAttempt) -> str:
    if attempt.http_status:
        return str(attempt.http_status)
    return attempt.outcome.replace("_", " ") if attempt.outcome else "running"


def _stretch(scale: Scale, begin_s: float, end_s: float | None) -> TimeSpan | None:
    if end_s is None:
        return None
    begin = scale.x(begin_s)
    return TimeSpan(begin, round(max(scale.x(end_s) - begin, 1.0), 1))


def _since_s(media: MediaItem, moment: datetime) -> float:
    return (moment - media.received_at).total_seconds()


def _description(media: MediaItem, attempts: Sequence[FetchAttempt]) -> str:
    tries = counted(len(attempts), "attempt")
    stored = ""
    if media.retrieved_at:
        stored = f", stored after {duration(_since_s(media, media.retrieved_at))}"
    return (
        f"A timeline that starts when {_start(media)}: {tries}{stored}. "
        "The table below has every step with its time."
    )


def _after(media: MediaItem, at_s: float) -> str:
    return f"{duration(at_s)} after {start_label(media)}"


def _start(media: MediaItem) -> str:
    return "it arrived at Twilio" if media.reconciled_at else "the webhook was received"
