from __future__ import annotations

import json
from typing import Any

from django import VERSION
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Aggregate, Field
from django.db.models.expressions import Combinable
from django.db.models.sql.compiler import SQLCompiler

from mediapipe.models.delays import percentile

# In Django 6 the template places the FILTER clause; earlier versions append it.
FILTER = "%(filter)s" if VERSION >= (6, 0) else ""
AsSql = tuple[str, tuple[str | int, ...]]


class FloatListField(Field[list[float] | None, list[float] | None]):
    """A list of floats, or None if there was nothing to aggregate."""

    def from_db_value(self, value: Any, *args: object) -> list[float] | None:
        """Convert an array of PostgreSQL, or the JSON that our SQLite function returns."""
        values: list[float] | None = json.loads(value) if isinstance(value, str) else value
        return values


class Percentiles(Aggregate):
    """The values below which these shares (0 to 1) lie; nulls are ignored.

    PostgreSQL has the function; on SQLite, `add_percentiles` registers ours.
    """

    function = "percentile_cont"
    name = "percentiles"
    template = f"%(function)s(%(expressions)s, '[%(shares)s]'){FILTER}"
    output_field = FloatListField()

    def __init__(
        self, expression: str | Combinable, shares: tuple[float, ...], **extra: Any
    ) -> None:
        super().__init__(expression, shares=",".join(map(str, shares)), **extra)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> AsSql:
        """Return the SQL in the syntax of ordered-set aggregates."""
        ordered = self.copy()
        ordered.template = (
            "%(function)s(ARRAY[%(shares)s]::float8[]) "
            f"WITHIN GROUP (ORDER BY %(expressions)s){FILTER}"
        )
        return ordered.as_sql(compiler, connection)


class PercentileCont:
    """The aggregate that SQLite calls for each row of a group, and at its end."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.shares = "[]"

    def step(self, value: float | None, shares: str) -> None:
        self.shares = shares
        if value is not None:
            self.values.append(value)

    def finalize(self) -> str | None:
        if not self.values:
            return None
        self.values.sort()
        return json.dumps([percentile(self.values, share) for share in json.loads(self.shares)])


def add_percentiles(connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    """Register the function on each new connection to SQLite."""
    if connection.vendor == "sqlite":
        connection.connection.create_aggregate("percentile_cont", 2, PercentileCont)
