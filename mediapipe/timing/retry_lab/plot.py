"""The comparison as a picture: what a shorter wait costs in requests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mediapipe.timing.retry_lab.comparison import Comparison
from mediapipe.timing.retry_lab.formatting import misses

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GREY = "#767676"
# Of Okabe and Ito's palette, which the colour-blind can tell apart; the shapes tell it as well.
COLOURS = ("#0072b2", "#009e73", "#d55e00", "#cc79a7", "#e69f00", "#56b4e9")
SHAPES = "oDs^vP"


def save(comparison: Comparison, path: Path) -> None:
    """Write the picture to this path; its ending says in which format (.png, .svg, .pdf)."""
    # Loading matplotlib takes a second, which nobody else should wait for.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    _border(axes, comparison)
    _policies(axes, comparison)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("requests a media item")
    axes.set_ylabel("mean excess wait (s)")
    axes.grid(alpha=0.3, which="both")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("What a shorter wait costs", loc="left", fontweight="bold")
    axes.legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=150)


def _border(axes: Axes, comparison: Comparison) -> None:
    farthest = max(outcome.estimate.requests for outcome in comparison.outcomes) * 1.2
    points = [
        (each.figures.requests, each.figures.excess_mean_s)
        for each in comparison.frontier
        if each.figures.requests <= farthest
    ]
    requests, waits_s = zip(*points, strict=True) if points else ((), ())
    axes.plot(requests, waits_s, color=GREY, label="the best that our settings can do")
    axes.axvline(comparison.budget, color=GREY, linestyle=":", label="the budget")


def _policies(axes: Axes, comparison: Comparison) -> None:
    for place, outcome in enumerate(comparison.outcomes):
        few = misses(outcome, comparison)
        label = outcome.policy.name
        axes.plot(
            outcome.estimate.requests,
            # A logarithmic axis has no place for a wait of nothing.
            max(outcome.estimate.excess_mean_s, 0.001),
            SHAPES[place % len(SHAPES)],
            color=COLOURS[place % len(COLOURS)],
            fillstyle="none" if few else "full",
            markersize=9,
            markeredgewidth=2,
            linestyle="none",
            label=f"{label}, but retrieves {outcome.estimate.retrieved:.1%}" if few else label,
        )
