"""A chart, the table beneath it and the CSV beside it, all of the same numbers."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import StringIO
from math import isinf
from typing import Any, Literal

from mediapipe.admin.text import moment, seconds
from mediapipe.lifecycle.export import escape_formula

Value = float | int | datetime | str | None
Unit = Literal["time", "s", "share", "count", "text"]


@dataclass(frozen=True, slots=True)
class Series:
    """One line or one row of bars; with `least` a band from there up to `values`.

    `texts` is what is said of each point: numbers with their units, as an interval if so.
    """

    name: str
    values: Sequence[float | None]
    texts: Sequence[str]
    least: Sequence[float | None] | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """What a column of the table holds."""

    name: str
    unit: Unit


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn by timing.js, and the numbers of it.

    `scale` is how the values are spread: `seconds` by powers of ten, `share` from 0 to 100 %,
    `count` from 0. `links` are the queries of the media list, one a row.
    """

    key: str
    title: str
    lead: str
    kind: Literal["lines", "bars", "rows"]
    scale: Literal["seconds", "share", "count"]
    x_title: str
    y_title: str
    labels: Sequence[str]
    series: Sequence[Series]
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    links: Sequence[str] = ()
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(value for series in self.series for value in series.values)

    @property
    def data_id(self) -> str:
        """Return the id of the element that holds the data."""
        return f"{self.key}-data"

    def data(self) -> dict[str, Any]:
        """Return what timing.js reads; nothing in it is infinite, which JSON has no word for."""
        names = ("kind", "scale", "x_title", "y_title", "labels")
        lines = [
            {
                "name": series.name,
                "values": [*map(_drawn, series.values)],
                "least": series.least and [*map(_drawn, series.least)],
                "texts": series.texts,
            }
            for series in self.series
        ]
        return {name: getattr(self, name) for name in names} | {"series": lines}

    def table(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each row as a link's query, or "", and the texts of its cells."""
        for number, row in enumerate(self.rows):
            cells = zip(row, self.columns, strict=True)
            texts = [_shown(value, column.unit) for value, column in cells]
            yield self.links[number] if self.links else "", texts

    def csv(self) -> str:
        """Return the numbers for another program: times in UTC, seconds, shares from 0 to 1."""
        text = StringIO()
        writer = csv.writer(text)
        writer.writerow(f"{column.name} ({column.unit})" for column in self.columns)
        writer.writerows([_raw(value) for value in row] for row in self.rows)
        return text.getvalue()


def _drawn(value: float | None) -> float | None:
    return None if value is None or isinf(value) else value


def _shown(value: Value, unit: Unit) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, str):
        return value
    if isinf(value):
        return "not yet known"
    if unit == "share":
        return f"{value:.1%}"
    return seconds(value) if unit == "s" else f"{value:,}"


def _raw(value: Value) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, float):
        return "" if isinf(value) else round(value, 6)
    return "" if value is None else escape_formula(value)
