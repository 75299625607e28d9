from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from math import isinf
from typing import Any, Literal

from mediapipe.admin.text import duration, local_time
from mediapipe.lifecycle.export import escape_formula
from mediapipe.timing.percent import percent

Value = float | int | datetime | str | None
Unit = Literal["time", "s", "share", "count", "text"]

# The name of the series with the figures of the previous period.
BEFORE = "{}, previous period"


@dataclass(frozen=True, slots=True)
class Series:
    """One line or one row of bars; with `least`, a band from there up to `values`.

    `texts` has the tooltip of each point: numbers with units, or intervals. `before` is set for a
    series of the previous period, which is dashed: the number of the series with this period's
    figures.
    """

    name: str
    values: Sequence[float | None]
    texts: Sequence[str]
    least: Sequence[float | None] | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    unit: Unit


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart that timing.js draws, with the table and the CSV of the same numbers.

    `scale`: `seconds` is logarithmic, `share` from 0 to 100%, `count` from 0. `links` are query
    strings of the media list, one per row of the table.
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
    notes: Sequence[str] = ()

    @property
    def empty(self) -> bool:
        return not any(value for series in self.series for value in series.values)

    @property
    def data_id(self) -> str:
        """The id of the HTML element with the data."""
        return f"{self.key}-data"

    def data(self) -> dict[str, Any]:
        """Return the input of timing.js; infinities become null, because JSON has none."""

        def finite(values: Sequence[float | None]) -> list[float | None]:
            return [None if value is None or isinf(value) else value for value in values]

        names = ("kind", "scale", "x_title", "y_title", "labels")
        lines = [
            {
                "name": series.name,
                "values": finite(series.values),
                "least": series.least and finite(series.least),
                "texts": series.texts,
                "before": series.before,
            }
            for series in self.series
            if series.before is None or any(value is not None for value in series.values)
        ]
        return {name: getattr(self, name) for name in names} | {"series": lines}

    def table(self) -> Iterator[tuple[str, list[str]]]:
        """Yield for each row the query string of its link (may be empty) and its cells."""
        for number, row in enumerate(self.rows):
            cells = zip(row, self.columns, strict=True)
            texts = [_cell(value, column.unit) for value, column in cells]
            yield self.links[number] if self.links else "", texts

    def csv(self) -> str:
        """Return the rows for other programs: times in UTC, seconds, shares from 0 to 1."""
        text = StringIO()
        writer = csv.writer(text)
        writer.writerow(f"{column.name} ({column.unit})" for column in self.columns)
        writer.writerows([_csv_cell(value) for value in row] for row in self.rows)
        return text.getvalue()


def _cell(value: Value, unit: Unit) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return local_time(value)
    if isinstance(value, str):
        return value
    if isinf(value):
        return "not yet known"
    if unit == "share":
        return percent(value)
    return duration(value) if unit == "s" else f"{value:,}"


def _csv_cell(value: Value) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, float):
        return "" if isinf(value) else round(value, 6)
    return "" if value is None else escape_formula(value)
