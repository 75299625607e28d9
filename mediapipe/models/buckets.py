from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func, IntegerField
from django.db.models.sql.compiler import SQLCompiler

AsSql = tuple[str, Any]


class Bucket(Func):
    """The number of the bucket of a time, counted from 1970 in UTC; the same on every database."""

    arity = 1
    output_field = IntegerField()

    def __init__(self, expression: str, step: timedelta, **extra: Any) -> None:
        self.step_s = int(step.total_seconds())
        super().__init__(expression, **extra)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> AsSql:
        # A float8 is precise enough for microseconds since 1970. EXTRACT returns a numeric, which
        # takes three times as long.
        template = f"FLOOR(DATE_PART('epoch', %(expressions)s) / {self.step_s})::bigint"
        return self.as_sql(compiler, connection, template=template)

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> AsSql:
        # Without the fraction of the second, which STRFTIME would round up.
        seconds = "STRFTIME('%%%%s', SUBSTR(%(expressions)s, 1, 19))"
        template = f"CAST({seconds} AS INTEGER) / {self.step_s}"
        return self.as_sql(compiler, connection, template=template)
