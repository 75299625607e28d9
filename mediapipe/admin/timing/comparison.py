"""Compares a period with the one before: what got worse, Twilio's part or ours?"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

from mediapipe.admin.text import delay_range, duration
from mediapipe.timing.percent import percent
from mediapipe.timing.summary import TimingSummary
from mediapipe.timing.tally import Tally
from mediapipe.timing.trend import (
    MIN_ITEMS,
    Figure,
    Trend,
    delay_figure,
    lag_figure,
    share_figure,
)

NAMES = ("p50", "p95", "p99")
P95 = 1
SIGNS = {Trend.WORSE: "▲", Trend.BETTER: "▼", Trend.UNCLEAR: "=", Trend.TOO_FEW: "?"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of a period and of the one before, as texts and as intervals to compare."""

    title: str
    value: str
    before: str
    figures: tuple[Figure, Figure]

    @property
    def trend(self) -> Trend:
        new, old = self.figures
        return new.trend(old)

    @property
    def changed(self) -> bool:
        return self.trend in (Trend.WORSE, Trend.BETTER)

    @property
    def label(self) -> SafeString:
        """The trend as sign and word; screen readers read the word only."""
        same = self.trend == Trend.UNCLEAR and self.value == self.before
        return format_html(
            '<span class="trend trend-{}"><span aria-hidden="true">{}</span> {}</span>',
            self.trend.name.lower(),
            SIGNS[self.trend],
            "unchanged" if same else self.trend,
        )

    @property
    def sentence(self) -> SafeString:
        """Value, value before, and trend: `p95 16 s to 52 s, was 8.0 s to 12 s: worse.`"""
        if not any(figure.items for figure in self.figures):
            return format_html("{}", "no media.")
        was = f"was {self.before}"
        if self.trend == Trend.TOO_FEW:
            new, old = self.figures
            was = f"was {self.before} ({new.items:,} items, before {old.items:,})"
        return format_html("{} {}, {}: {}.", NAMES[P95], self.value, was, self.label)


@dataclass(frozen=True, slots=True)
class Comparisons:
    """All compared figures of a period: Twilio's delays, our queue lag, and early 404s."""

    delays: list[Comparison]
    lag: Comparison
    early: Comparison

    @property
    def all(self) -> list[Comparison]:
        return [*self.delays, self.lag, self.early]

    @property
    def verdict(self) -> list[tuple[str, Comparison]]:
        """Twilio's part and ours."""
        return [("Twilio", self.delays[P95]), ("Our queue", self.lag)]


def compare(new: Tally, old: Tally) -> Comparisons:
    """Return the figures of two tallies: of a period, and of the period before."""
    now, before = TimingSummary.from_tally(new), TimingSummary.from_tally(old)
    return Comparisons(
        [
            Comparison(
                f"Propagation delay {name}",
                delay_range(*now.delay_bounds(number)),
                delay_range(*before.delay_bounds(number)),
                (delay_figure(new, number), delay_figure(old, number)),
            )
            for number, name in enumerate(NAMES)
        ],
        Comparison(
            f"Queue lag {NAMES[P95]}",
            _lag(now),
            _lag(before),
            (lag_figure(new, P95), lag_figure(old, P95)),
        ),
        Comparison(
            "With an early 404",
            share(now.early, now.attempted),
            share(before.early, before.attempted),
            (share_figure(now.early, now.attempted), share_figure(before.early, before.attempted)),
        ),
    )


def _lag(summary: TimingSummary) -> str:
    return duration(summary.lag[P95]) if summary.lag else "-"


def share(part: int, items: int) -> str:
    """Return a share as a percentage or, of fewer than MIN_ITEMS items, as the two numbers."""
    if not items:
        return "-"
    return percent(part / items) if items >= MIN_ITEMS else f"{part} of {items}"
