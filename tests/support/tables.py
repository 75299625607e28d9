"""Tables that tests fill with results, printed at the end of the run.

The rows are sent with the report of their test, which may run in a different process than the one
that prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

import pytest

ROW = "row of a table"
Row = tuple[str, tuple[str, ...], tuple[str, ...]]
_rows: list[Row] = []


class Table:
    """A titled table with a header row."""

    def __init__(self, title: str, head: Sequence[str]) -> None:
        self.title = title
        self.head = tuple(head)

    def add(self, *cells: str) -> None:
        """Add a row."""
        _rows.append((self.title, self.head, cells))


def take_rows() -> list[tuple[str, object]]:
    """Return the rows added since the last call, as user properties of a test report."""
    properties: list[tuple[str, object]] = [(ROW, row) for row in _rows]
    _rows.clear()
    return properties


def tables_in(reports: Iterable[pytest.TestReport]) -> Iterator[tuple[str, list[str]]]:
    """Yield the title and the lines of each table for which these reports have rows."""
    tables: dict[str, list[Sequence[str]]] = {}
    for name, row in (found for report in reports for found in report.user_properties):
        if name == ROW:
            title, head, cells = cast(Row, row)
            tables.setdefault(title, [head]).append(cells)
    for title, rows in tables.items():
        yield title, list(_aligned(rows))


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
