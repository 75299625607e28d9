"""Tables that tests fill with what they saw, printed at the end of the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

TABLES: list[Table] = []


class Table:
    """Rows under a head, and a title over them."""

    def __init__(self, title: str, head: Sequence[str]) -> None:
        self.title = title
        self.head = tuple(head)
        self.rows: list[tuple[str, ...]] = []
        TABLES.append(self)

    def add(self, *cells: str) -> None:
        """Add a row."""
        self.rows.append(cells)

    def lines(self) -> Iterator[str]:
        """Yield the table as text, its columns aligned."""
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        for row in (self.head, *self.rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            yield "  ".join(cells).rstrip()
