"""Counting as far as anybody pages, and no further."""

from __future__ import annotations

from functools import cached_property

from django.core.paginator import Paginator
from django.db.models import Model, QuerySet

CAP = 10_000


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
