"""Statements that every attempt makes, put together once; two of them can be one round trip.

A queryset is put together anew each time, for which Django takes longer than the database for the
answer. For what is run now and then a queryset is the better way: it reads better, and can more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.db.models import Field, Model

Rows = type[Model]
AnyField = Field[Any, Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """The text of a statement, which ends in a WHERE clause, and its values for the database."""

    sql: str
    values: list[Any]


def update(rows: Rows, where: Mapping[str, Any], changes: Mapping[str, Any]) -> Statement:
    """Return what gives these values to the fields of those rows whose fields have the others."""
    sql = _update_sql(rows, tuple(where), tuple(changes))
    return Statement(sql, [*_values(rows, changes), *_values(rows, where)])


def insert(row: Model, *, unique: str = "", instead: tuple[str, ...] = ()) -> Statement:
    """Return what inserts a row; where its `unique` field is known, it changes `instead` there."""
    fields = _fields(type(row))
    values = [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
    return Statement(_insert_sql(type(row), unique, instead), values)


def run(statement: Statement) -> int:
    """Run a statement; return how many rows it has changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.values)
        changed: int = cursor.rowcount
    return changed


def run_both(first: Statement, second: Statement) -> bool:
    """Run both statements, or neither where the first changes no row; tell whether it did.

    PostgreSQL is asked once, where a transaction of two statements is four questions. The second
    one does not see there what the first has changed.
    """
    if connection.vendor != "postgresql":
        with transaction.atomic():
            return run(first) > 0 and run(second) >= 0
    after = f"{second.sql} AND EXISTS (TABLE changed)"
    sql = f"WITH changed AS ({first.sql} RETURNING 1), after AS ({after}) TABLE changed"
    return run(Statement(sql, [*first.values, *second.values])) > 0


@cache
def _update_sql(rows: Rows, where: tuple[str, ...], changes: tuple[str, ...]) -> str:
    values = ", ".join(f"{_column(rows, name)} = %s" for name in changes)
    conditions = " AND ".join(f"{_column(rows, name)} = %s" for name in where)
    return f"UPDATE {_table(rows)} SET {values} WHERE {conditions}"  # noqa: S608  our own names


@cache
def _insert_sql(rows: Rows, unique: str, instead: tuple[str, ...]) -> str:
    names = [field.name for field in _fields(rows)]
    columns = ", ".join(_column(rows, name) for name in names)
    values = ", ".join(["%s"] * len(names))
    sql = f"INSERT INTO {_table(rows)} ({columns}) SELECT {values} WHERE TRUE"
    if not unique:
        return sql
    known = [_column(rows, name) for name in instead]
    changes = ", ".join(f"{column} = EXCLUDED.{column}" for column in known)
    return f"{sql} ON CONFLICT ({_column(rows, unique)}) DO UPDATE SET {changes}"


def _fields(rows: Rows) -> list[AnyField]:
    """Return the fields that have a column, but for the key that the database gives."""
    return [field for field in rows._meta.concrete_fields if not field.primary_key]


def _field(rows: Rows, name: str) -> AnyField:
    field: AnyField = rows._meta.get_field(name)  # type: ignore[assignment]  # never a relation's
    return field


def _values(rows: Rows, by_name: Mapping[str, Any]) -> list[Any]:
    return [
        _field(rows, name).get_db_prep_save(value, connection) for name, value in by_name.items()
    ]


def _table(rows: Rows) -> str:
    return connection.ops.quote_name(rows._meta.db_table)


def _column(rows: Rows, name: str) -> str:
    return connection.ops.quote_name(str(_field(rows, name).column))
