from __future__ import annotations

from datetime import datetime
from functools import partial
from io import BytesIO
from itertools import compress
from typing import TYPE_CHECKING, Any

from mediapipe.escalation.report.case import Case
from mediapipe.escalation.report.figures import CaseFigures
from mediapipe.models.media.item import MediaQuerySet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# From Okabe and Ito's palette for colour-blind readers.
ORANGE, BLUE, GREY = "#d55e00", "#0072b2", "#9a9a9a"
# With more intervals the chart would be solid colour, so only every n-th is drawn.
MAX_INTERVALS = 3000
# A logarithmic axis cannot show a delay of zero.
MIN_S = 0.01
Known = tuple[datetime, float | None, float | None]


def render_png(case: Case, figures: CaseFigures) -> bytes:
    """Return the chart as PNG."""
    # Imported here, because matplotlib takes a second to load and only this needs it.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 3])
    _counts(above, figures)
    _intervals(below, case, figures)
    _time_axis(below, case)
    figure.suptitle(
        f"Media announced before it was available: {figures.affected} of {figures.total}",
        x=0.01,
        ha="left",
        fontweight="bold",
    )
    output = BytesIO()
    figure.savefig(output, format="png", dpi=110)
    return output.getvalue()


def _counts(axes: Axes, figures: CaseFigures) -> None:
    begins = [_days(at) for at in figures.hours]
    late = [group.affected for group in figures.hours.values()]
    others = [group.total - group.affected for group in figures.hours.values()]
    bars = partial(axes.bar, begins, width=1 / 24, align="edge", edgecolor="white", linewidth=0.5)
    bars(late, color=ORANGE, label="with an early 404")
    bars(others, bottom=late, color=GREY, hatch="//", label="without (in the affected hours)")
    axes.set_ylabel("media per hour")
    _plain(axes, columns=2)


def _intervals(axes: Axes, case: Case, figures: CaseFigures) -> None:
    drawn, every = _known(case.affected)
    at = [_days(received_at) for received_at, _, _ in drawn]
    low_s = [max(least_s or 0, MIN_S) for _, least_s, _ in drawn]
    high_s = [max(most_s or 0, low) for (_, _, most_s), low in zip(drawn, low_s, strict=True)]
    which = "each affected media item" if every == 1 else f"one of {every} affected media items"
    axes.vlines(at, low_s, high_s, color=ORANGE, alpha=0.7, linewidth=1.5, label=which)
    # Media that is still missing has no upper bound.
    open_ended = [most_s is None for _, _, most_s in drawn]
    if any(open_ended):
        points = compress(at, open_ended), compress(low_s, open_ended)
        axes.plot(*map(list, points), "^", color=ORANGE, label="still missing")
    if figures.baseline_delays.percentiles:
        baseline_s = max(figures.baseline_delays.percentiles[1].at_most_s, MIN_S)
        axes.axhline(
            baseline_s, color=BLUE, linestyle="--", label=f"baseline p95: {baseline_s:.2f} s"
        )
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylabel("seconds from the webhook\nto the last 404 and to the first other response")
    _plain(axes, columns=3)


def _known(media: MediaQuerySet) -> tuple[list[Known], int]:
    """Return receipt and delay of every n-th media item, and n."""
    ids = list(media.order_by("received_at", "pk").values_list("pk", flat=True))
    every = -(-len(ids) // MAX_INTERVALS)
    rows = media.filter(pk__in=ids[::every]) if every > 1 else media
    fields = ("received_at", "delay_at_least_s", "delay_at_most_s")
    return list(rows.order_by("received_at").values_list(*fields)), every


def _time_axis(axes: Axes, case: Case) -> None:
    from matplotlib import dates

    # matplotlib has no types for these two.
    locator: Any = dates.AutoDateLocator(tz=case.zone)  # type: ignore[no-untyped-call]
    formats = ["%Y", "%b %Y", "%-d %b", "%H:%M", "%H:%M", "%H:%M:%S"]
    formatter: Any = dates.ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator, tz=case.zone, formats=formats, zero_formats=[formats[0], *formats[:5]]
    )
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(formatter)
    axes.set_xlim(_days(case.since), _days(case.until))
    offsets = sorted({case.local(at).isoformat()[-6:] for at in (case.since, case.until)})
    axes.set_xlabel(f"webhook received, in {case.zone.key} ({' and '.join(offsets)})")


def _plain(axes: Axes, *, columns: int) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False, fontsize=9, ncols=columns, loc="lower left", bbox_to_anchor=(0, 1))


def _days(moment: datetime) -> float:
    """Return a time in matplotlib's unit: days since 1970 in UTC."""
    return moment.timestamp() / 86400
