from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from django.template.loader import render_to_string

from mediapipe.escalation.report.case import DAY, HOUR, Case
from mediapipe.escalation.report.figures import CaseFigures
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.axes import MAX_TICKS, Axis, whole_decades

# With more intervals the chart would be solid colour, so only every nth one is drawn.
MAX_INTERVALS = 3000
# A logarithmic axis cannot show a delay of zero.
MIN_S = 0.01
LEFT, RIGHT = 80, 980
# The two parts of the chart: media per hour above, the delay of each item below.
COUNTS_TOP, COUNTS_BOTTOM, DELAYS_TOP, DELAYS_BOTTOM = 76, 256, 306, 640
# Tick distances below a day; longer ones are whole days.
STEPS_S = (1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 10800, 21600, 43200)
Known = tuple[datetime, float | None, float | None]


@dataclass(frozen=True, slots=True)
class HourBar:
    """The media of an hour, stacked from the bottom: `late` items, then the others."""

    x: float
    width: float
    late_y: float
    total_y: float
    title: str


@dataclass(frozen=True, slots=True)
class TimingChart:
    """The coordinates that the template charts/timing.svg draws."""

    title: str
    x_title: str
    x_ticks: list[tuple[float, str]]
    count_ticks: list[tuple[float, str]]
    second_ticks: list[tuple[float, str]]
    bars: list[HourBar]
    intervals: list[tuple[float, float, float]]
    intervals_label: str
    missing: list[tuple[float, float]]
    baseline_y: float | None
    baseline_label: str

    @classmethod
    def from_case(cls, case: Case, figures: CaseFigures) -> Self:
        """Return the chart of a case."""
        x = Axis(case.since.timestamp(), case.until.timestamp(), LEFT, RIGHT)
        most = max(hour.total for hour in figures.hours.values())
        counts = Axis(0.0, max(most, 4), COUNTS_BOTTOM, COUNTS_TOP)
        drawn, every = _known(case.affected)
        ranges_s = [_drawn_range_s(*known) for known in drawn]
        baseline = figures.baseline_delays.percentiles
        baseline_s = max(baseline[1].at_most_s, MIN_S) if baseline else None
        shown_s = [bound_s for range_s in ranges_s for bound_s in range_s]
        delays = Axis(
            *whole_decades([*shown_s, baseline_s or shown_s[0]]),
            DELAYS_BOTTOM,
            DELAYS_TOP,
            logarithmic=True,
        )
        xs = [x.at(received_at.timestamp()) for received_at, _, _ in drawn]
        return cls(
            title=f"Media announced before it was available: {figures.affected} of {figures.total}",
            x_title=_period(case),
            x_ticks=[(x.at(at.timestamp()), label) for at, label in _time_ticks(case)],
            count_ticks=counts.ticks(),
            second_ticks=delays.ticks(),
            bars=list(_bars(case, figures, x, counts)),
            intervals=[
                (at, delays.at(high_s), delays.at(low_s))
                for at, (low_s, high_s) in zip(xs, ranges_s, strict=True)
            ],
            intervals_label="each affected media item"
            if every == 1
            else f"one of {every} affected media items",
            # Media that is still missing has no upper bound.
            missing=[
                (at, delays.at(low_s))
                for at, (low_s, _), (_, _, most_s) in zip(xs, ranges_s, drawn, strict=True)
                if most_s is None
            ],
            baseline_y=delays.at(baseline_s) if baseline_s else None,
            baseline_label=f"baseline p95: {baseline_s:.2f} s" if baseline_s else "",
        )


def render_svg(case: Case, figures: CaseFigures) -> bytes:
    """Return the chart as an SVG file."""
    chart = TimingChart.from_case(case, figures)
    return render_to_string("charts/timing.svg", {"chart": chart}).encode()


def _bars(case: Case, figures: CaseFigures, x: Axis, counts: Axis) -> Iterator[HourBar]:
    for at, hour in figures.hours.items():
        begin = x.at(max(at, case.since).timestamp())
        end = x.at(min(at + HOUR, case.until).timestamp())
        yield HourBar(
            x=begin,
            width=round(end - begin, 1),
            late_y=counts.at(hour.affected),
            total_y=counts.at(hour.total),
            title=f"{case.local(at):%Y-%m-%d %H:%M}: {hour.affected} of {hour.total}",
        )


def _drawn_range_s(_: datetime, least_s: float | None, most_s: float | None) -> tuple[float, float]:
    low_s = max(least_s or 0.0, MIN_S)
    return low_s, max(most_s or 0.0, low_s)


def _known(media: MediaQuerySet) -> tuple[list[Known], int]:
    """Return the receipt and delay of every nth media item, and n."""
    ids = list(media.order_by("received_at", "pk").values_list("pk", flat=True))
    every = -(-len(ids) // MAX_INTERVALS)
    rows = media.filter(pk__in=ids[::every]) if every > 1 else media
    fields = ("received_at", "delay_at_least_s", "delay_at_most_s")
    return list(rows.order_by("received_at").values_list(*fields)), every


def _time_ticks(case: Case) -> Iterator[tuple[datetime, str]]:
    """Yield the marks of the time axis: round times in the zone of the case, with their labels."""
    midnight = case.local(case.since).replace(hour=0, minute=0, second=0, microsecond=0)
    length = case.until - case.since
    steps = (timedelta(seconds=step_s) for step_s in STEPS_S)
    step = next((step for step in steps if length / step <= MAX_TICKS), None)
    # Hours are counted in UTC and days in the zone, in which a day may have 23 or 25 hours.
    start = midnight.astimezone(UTC) if step else midnight
    step = step or math.ceil(length / DAY / MAX_TICKS) * DAY
    first, last = ((moment - midnight) / step for moment in (case.since, case.until))
    for number in range(math.ceil(first), math.floor(last) + 1):
        at = case.local(start + number * step)
        form = "%H:%M:%S" if step < timedelta(minutes=1) else "%H:%M"
        yield at, f"{at:%b} {at.day}" if (at.hour, at.minute) == (0, 0) else f"{at:{form}}"


def _period(case: Case) -> str:
    ends = [f"{case.local(at):%Y-%m-%d %H:%M %z}" for at in (case.since, case.until)]
    return f"webhook received, {ends[0]} to {ends[1]} ({case.zone.key})"
