"""Reads what a worker needs to claim a media item, with a query that is built once per process.

It runs for each attempt, and Django takes longer to build it than PostgreSQL takes to run it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Exists, F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from mediapipe.models import hot_sql
from mediapipe.models.accounts import AccountHealth
from mediapipe.models.events import WebhookEvent
from mediapipe.models.media.row import MediaRow

Item = TypeVar("Item", bound=MediaRow)

# What a request to the provider needs of an event; its other columns are loaded on access.
EVENT_FIELDS = ("provider", "account_sid", "subject_sid")


def read_for_claim(items: type[Item], pk: int) -> Item | None:
    """Return an item with `account_degraded`, `account_paused_s` and its event, or None."""
    query = _query(items)
    row = hot_sql.first_row(query.sql, [*query.values, pk])
    if not row:
        return None
    values = query.converted(row)
    count = len(query.names) - len(query.annotations)
    item = items.from_db(connection.alias, query.names[:count], values[:count])
    annotated = dict(zip(query.annotations, values[count:], strict=True))
    event = [annotated.pop(f"event_{name}") for name in EVENT_FIELDS]
    names = ["id", *EVENT_FIELDS]
    item.event = WebhookEvent.from_db(connection.alias, names, [item.event_id, *event])
    vars(item).update(annotated)
    return item


@dataclass(frozen=True)
class _Query:
    """The SQL, its parameters except the last one (the key), and what the columns of a row mean."""

    sql: str
    values: tuple[Any, ...]
    names: list[str]
    annotations: list[str]
    converters: dict[int, tuple[list[Callable[..., Any]], Any]]

    def converted(self, row: Sequence[Any]) -> list[Any]:
        """Return the values of a row, converted as Django does."""
        values = list(row)
        for position, (functions, column) in self.converters.items():
            for function in functions:
                values[position] = function(values[position], column, connection)
        return values


@cache
def _query(items: type[MediaRow]) -> _Query:
    health = AccountHealth.objects.filter(account_sid=OuterRef("account_sid"))
    columns: dict[str, Any] = {
        "account_degraded": Exists(health.degraded()),
        "account_paused_s": Coalesce(Subquery(health.values("paused_s")), 0.0),
    }
    columns |= {f"event_{name}": F(f"event__{name}") for name in EVENT_FIELDS}
    query = items._default_manager.filter(pk=0).annotate(**columns).query
    compiler = query.get_compiler(connection=connection)
    sql, values = compiler.as_sql()
    converters = compiler.get_converters([column for column, _, _ in compiler.select])
    fields = [field.attname for field in items._meta.concrete_fields]
    return _Query(sql, tuple(values[:-1]), [*fields, *columns], list(columns), converters)
