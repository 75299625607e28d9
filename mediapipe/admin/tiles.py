"""The figures of the overview: the last 24 hours, the 24 before, and a sparkline by the hour."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from math import isinf

from django.urls import reverse

from mediapipe.admin.sparkline import Sparkline, sparkline
from mediapipe.admin.text import duration, times
from mediapipe.admin.timing.chart_data import ChartData
from mediapipe.admin.timing.comparison import P95, Comparison, compare
from mediapipe.admin.timing.time_charts import NEEDED
from mediapipe.timing.backlog import backlog
from mediapipe.timing.percent import percent
from mediapipe.timing.period import Period
from mediapipe.timing.selection import Selection
from mediapipe.timing.summary import TimingSummary
from mediapipe.timing.trend import MIN_ITEMS

PERIOD = "24h"
EVENTS = "admin:mediapipe_webhookevent_changelist"
MEDIA = "admin:mediapipe_mediaitem_changelist"


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure: its value, that of the preceding period, and a link to the rows it counts.

    `trend` is the label of a figure that became worse or better.
    """

    title: str
    value: str
    url: str
    before: str = ""
    note: str = ""
    trend: str = ""
    sparkline: Sparkline | None = None


class Figures:
    """The tiles of the 24 hours until now; the database is queried once per period."""

    def __init__(self, now: datetime) -> None:
        self.selection = Selection(Period.named(PERIOD, now))
        self.data = ChartData(self.selection)
        self.compared = compare(self.data.whole, self.data.before.whole)

    def counts(self) -> Iterator[Tile]:
        """Yield the numbers of webhooks and media."""
        new, old = self.data.total, self.data.before.total
        webhooks = [
            self.data.tallies[at].webhooks if at in self.data.tallies else 0
            for at in self.data.summaries
        ]
        yield Tile(
            "Webhooks",
            f"{self.data.webhooks:,}",
            self._url(EVENTS),
            count_before(self.data.webhooks, self.data.before.webhooks),
            sparkline=sparkline(webhooks, _count),
        )
        yield self._counted("Media", new.media, old.media, lambda hour: hour.media)
        yield self._counted(
            "Stored", new.stored, old.stored, lambda hour: hour.stored, status__exact="stored"
        )
        yield self._counted(
            "Failed", new.failed, old.failed, lambda hour: hour.failed, status__exact="failed"
        )

    def early(self) -> Tile:
        """Return the share of media with an early 404."""
        total = self.data.total
        enough = total.attempted >= MIN_ITEMS
        return self._compared(
            self.compared.early,
            self._url(MEDIA, early_404="yes"),
            f"{total.early:,} of {total.attempted:,} attempted" if enough else "",
            lambda hour: hour.early_share if hour.attempted >= MIN_ITEMS else None,
            percent,
        )

    def delays(self) -> Iterator[Tile]:
        """Yield the percentiles of the propagation delay."""
        for number, figure in enumerate(self.compared.delays):
            slower = f"{_bound_s(self.data.total, number) or 0:.3f}"
            yield self._compared(
                figure,
                self._url(MEDIA, slower_than=slower),
                "Twilio\N{RIGHT SINGLE QUOTATION MARK}s part",
                partial(_delay_s, number=number),
                duration,
            )

    def lag(self) -> Tile:
        """Return the p95 of our queue lag."""
        return self._compared(
            self.compared.lag,
            f"{reverse('admin:timing')}?{self.selection.query()}#whose",
            "our part: webhook to first attempt",
            lambda hour: hour.lag[P95] if hour.lag and hour.attempted >= NEEDED[P95] else None,
            duration,
        )

    def _counted(
        self,
        title: str,
        new: int,
        old: int,
        hourly: Callable[[TimingSummary], int],
        **others: str,
    ) -> Tile:
        drawn = sparkline([*map(hourly, self.data.summaries.values())], _count)
        return Tile(
            title, f"{new:,}", self._url(MEDIA, **others), count_before(new, old), sparkline=drawn
        )

    def _compared(
        self,
        figure: Comparison,
        url: str,
        note: str,
        hourly: Callable[[TimingSummary], float | None],
        text: Callable[[float], str],
    ) -> Tile:
        return Tile(
            figure.title,
            figure.value,
            url,
            f"before: {figure.before}",
            note,
            figure.label if figure.changed else "",
            sparkline([*map(hourly, self.data.summaries.values())], text),
        )

    def _url(self, name: str, **others: str) -> str:
        return f"{reverse(name)}?{self.selection.query(**others)}"


def waiting_tiles(now: datetime) -> tuple[Tile, Tile]:
    """Return the number of unfinished items, and the oldest of them."""
    found = backlog()
    url = f"{reverse(MEDIA)}?waiting_longer_than=0"
    count = Tile(
        "Waiting now",
        f"{found.count:,}{'+' if found.capped else ''}",
        url,
        note="includes older items",
    )
    if not found.oldest:
        return count, Tile("Oldest waiting", "none", url)
    waits_s = (now - found.oldest.received_at).total_seconds()
    oldest = reverse("admin:mediapipe_mediaitem_change", args=[found.oldest.pk])
    note = f"{found.oldest.status}, attempted {times(found.oldest.attempts)}"
    return count, Tile("Oldest waiting", duration(waits_s), oldest, note=note)


def _delay_s(hour: TimingSummary, number: int) -> float | None:
    return _bound_s(hour, number) if hour.measured >= NEEDED[number] else None


def _bound_s(summary: TimingSummary, number: int) -> float | None:
    # The list's filter compares an item's upper bound if it has one.
    least, most = summary.delay_bounds(number)
    return least if most is None or isinf(most) else most


def count_before(new: int, old: int) -> str:
    """Return the count of the period before, with the change if there are enough items."""
    if not old:
        return "before: none" if new else ""
    if min(new, old) < MIN_ITEMS:
        return f"before: {old:,}"
    growth = new / old - 1
    # "+800%" is harder to read than "9.0 times".
    change = f"{growth:+.0%}" if growth < 1 else f"{new / old:.1f} times"
    return f"before: {old:,}" + (f" ({change})" if abs(growth) >= 0.005 else "")


def _count(value: float) -> str:
    return f"{value:,.0f}"
