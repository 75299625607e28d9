from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from django.template.loader import render_to_string

from mediapipe.timing.axes import Axis, whole_decades
from mediapipe.timing.percent import percent
from mediapipe.timing.retry_lab.comparison import Comparison
from mediapipe.timing.retry_lab.formatting import retrieves_less
from mediapipe.timing.retry_lab.replay import PolicyResult

TEMPLATE = "charts/retry_lab.svg"
# A logarithmic axis has no zero: waits of zero are drawn at this minimum.
MIN_S = 0.01
LEFT, RIGHT, TOP, BOTTOM = 60, 740, 56, 380
# Under the chart, below the title of its axis.
LEGEND_TOP, LINE_HEIGHT = 440, 24
# Okabe and Ito's palette, safe for colour-blind readers; the shapes differ as well.
STYLES = (
    ("#0072b2", "M-6 0A6 6 0 1 1 6 0A6 6 0 1 1-6 0Z"),
    ("#009e73", "M0-8L8 0 0 8-8 0Z"),
    ("#d55e00", "M-6-6H6V6H-6Z"),
    ("#cc79a7", "M0-7L7 6H-7Z"),
    ("#e69f00", "M0 7L7-6H-7Z"),
    ("#56b4e9", "M-7-3H-3V-7H3V-3H7V3H3V7H-3V3H-7Z"),
)

# A schedule that loses media is no alternative, although its short waits are low in the plot.
GREY = "#6b6b6b"


@dataclass(frozen=True, slots=True)
class PolicyPoint:
    """A policy in the plot and in its legend, in SVG units.

    `style` is the number of its CSS class, `shape` a path around 0,0; `hollow` marks a policy that
    retrieves less than the current one.
    """

    style: int
    x: float
    y: float
    colour: str
    shape: str
    hollow: bool
    label: str
    title: str
    legend_x: int
    legend_y: int


@dataclass(frozen=True, slots=True)
class Plot:
    """The coordinates of charts/retry_lab.svg: mean excess wait against requests per item."""

    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    frontier: list[tuple[float, float]]
    budget_x: float
    points: list[PolicyPoint]
    height: int

    @classmethod
    def from_comparison(cls, comparison: Comparison) -> Self:
        """Return the plot of these policies and of the Pareto frontier of our schedules."""
        estimates = [result.estimate for result in comparison.results]
        farthest = 1.2 * max(comparison.budget, *(figures.requests for figures in estimates))
        frontier = [
            (each.figures.requests, max(each.wait_s, MIN_S))
            for each in comparison.frontier
            if each.figures.requests <= farthest
        ]
        waits_s = [max(figures.excess_mean_s, MIN_S) for figures in estimates]
        ends_s = whole_decades([*waits_s, *(wait_s for _, wait_s in frontier)])
        x, y = Axis(0.0, farthest, LEFT, RIGHT), Axis(*ends_s, BOTTOM, TOP, logarithmic=True)
        return cls(
            x_ticks=x.ticks(),
            y_ticks=y.ticks(),
            frontier=[(x.at(requests), y.at(wait_s)) for requests, wait_s in frontier],
            budget_x=x.at(comparison.budget),
            points=[
                _point(number, result, x, y, hollow=retrieves_less(result, comparison))
                for number, result in enumerate(comparison.results)
            ],
            height=LEGEND_TOP + (len(estimates) + 1) * LINE_HEIGHT,
        )


def _point(number: int, result: PolicyResult, x: Axis, y: Axis, *, hollow: bool) -> PolicyPoint:
    name, figures = result.policy.name, result.estimate
    colour, shape = STYLES[number % len(STYLES)]
    if hollow:
        colour = GREY
    return PolicyPoint(
        style=number % len(STYLES) + 1,
        x=x.at(figures.requests),
        y=y.at(max(figures.excess_mean_s, MIN_S)),
        colour=colour,
        shape=shape,
        hollow=hollow,
        label=f"{name}: loses {percent(1 - figures.retrieved)}" if hollow else name,
        title=f"{name}: {figures.requests:.2f} requests, {figures.excess_mean_s:.2f} s",
        legend_x=LEFT,
        # The first row of the legend explains the lines.
        legend_y=LEGEND_TOP + (number + 1) * LINE_HEIGHT,
    )


def render_svg(comparison: Comparison) -> str:
    """Return the plot as the text of an SVG file."""
    return render_to_string(TEMPLATE, {"plot": Plot.from_comparison(comparison)})
