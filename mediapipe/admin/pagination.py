"""Counting as far as anybody pages, and no further."""

from __future__ import annotations

from functools import cached_property

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet

CAP = 10_000
# From here on it pays to ask for the keys of a page first, and then for its rows.
DEEP = 1000


class CappedPaginator(Paginator[Model]):
    """Pages through the first CAP rows, and tells whether there are more.

    A count of the whole table takes PostgreSQL the longer the more rows there are, and a person
    who has turned two hundred pages needs a filter, not the next page.
    """

    object_list: QuerySet[Model]

    @cached_property
    def count(self) -> int:
        """Return how many rows can be paged through, CAP at most."""
        return min(self._counted, CAP)

    @property
    def capped(self) -> bool:
        """Whether there are more rows than can be paged through."""
        return self._counted > CAP

    @cached_property
    def _counted(self) -> int:
        return self.object_list.order_by()[: CAP + 1].count()

    def page(self, number: int | str) -> Page[Model]:
        """Return a page; of the rows before a deep one the database reads the keys alone.

        Otherwise it would put together, and join, thousands of rows that nobody sees.
        """
        found = super().page(number)
        if found.start_index() > DEEP:
            keys = list(self.object_list[found.start_index() - 1 : found.end_index()].values("pk"))
            found.object_list = self.object_list.filter(pk__in=[key["pk"] for key in keys])
        return found
