"""Small bar charts of the last hours, drawn on the server as SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite

BAR, GAP, HEIGHT = 4, 1, 20


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar in SVG units, from the lower edge of the chart upwards."""

    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Sparkline:
    """One bar per hour; `label` says the same in words, for screen readers."""

    bars: Sequence[Bar]
    width: int
    label: str
    height: int = HEIGHT


def sparkline(values: Sequence[float | None], text: Callable[[float], str]) -> Sparkline | None:
    """Return the chart of these hourly values, the newest last; None if none is above 0.

    An hour without a value has no bar. `text` formats a value.
    """
    known = [value for value in values if value is not None and isfinite(value)]
    most = max(known, default=0.0)
    if not most:
        return None
    bars = [
        Bar(number * (BAR + GAP), HEIGHT - height, height)
        for number, value in enumerate(values)
        # The smallest value above zero stays visible, and infinity is as high as the chart.
        if value and (height := round(max(1.0, min(1.0, value / most) * HEIGHT), 1))
    ]
    label = f"Per hour: lowest {text(min(known))}, highest {text(most)}"
    return Sparkline(bars, len(values) * (BAR + GAP) - GAP, f"{label}, latest {text(known[-1])}.")
