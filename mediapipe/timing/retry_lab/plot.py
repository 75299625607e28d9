from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mediapipe.timing.retry_lab.comparison import Comparison
from mediapipe.timing.retry_lab.formatting import retrieves_less

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GREY = "#767676"
# Okabe and Ito's palette, safe for colour-blind readers; the shapes differ as well.
COLOURS = ("#0072b2", "#009e73", "#d55e00", "#cc79a7", "#e69f00", "#56b4e9")
SHAPES = "oDs^vP"


def save(comparison: Comparison, path: Path) -> None:
    """Plot mean wait against requests; the suffix selects the format (.png, .svg, .pdf)."""
    # Importing matplotlib takes a second.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    _plot_frontier(axes, comparison)
    _plot_policies(axes, comparison)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("requests per media item")
    axes.set_ylabel("mean excess wait (s)")
    axes.grid(alpha=0.3, which="both")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("The cost of a shorter wait", loc="left", fontweight="bold")
    axes.legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=150)


def _plot_frontier(axes: Axes, comparison: Comparison) -> None:
    farthest = max(result.estimate.requests for result in comparison.results) * 1.2
    points = [
        (each.figures.requests, each.wait_s)
        for each in comparison.frontier
        if each.figures.requests <= farthest
    ]
    requests, waits_s = zip(*points, strict=True) if points else ((), ())
    axes.plot(requests, waits_s, color=GREY, label="best possible with our settings")
    axes.axvline(comparison.budget, color=GREY, linestyle=":", label="budget")


def _plot_policies(axes: Axes, comparison: Comparison) -> None:
    for number, result in enumerate(comparison.results):
        hollow = retrieves_less(result, comparison)
        note = f", but retrieves {result.estimate.retrieved:.1%}" if hollow else ""
        axes.plot(
            result.estimate.requests,
            # A logarithmic axis has no zero.
            max(result.estimate.excess_mean_s, 0.001),
            SHAPES[number % len(SHAPES)],
            color=COLOURS[number % len(COLOURS)],
            fillstyle="none" if hollow else "full",
            markersize=9,
            markeredgewidth=2,
            linestyle="none",
            label=result.policy.name + note,
        )
