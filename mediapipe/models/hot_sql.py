"""The hand-written SQL: the writes of every attempt, built once per process.

Building a queryset takes Django longer than PostgreSQL takes to run it. As querysets, claim and
finish took three times the CPU, a third of that of an attempt; the upsert of the task result is
worth 7 % of the throughput (`make bench ARGS=retrieve`, 5 and 50 KB); the event with its media is
a quarter of a webhook's CPU. The rest uses querysets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.db.models import Field, JSONField, Model

Columns = Mapping[str, Any]
Rows = type[Model]
# Types of which the database takes any value as it is, in a column of any kind but JSON.
UNCHANGED = {str, int, float, type(None)}


def claim(row: Model, expected: Columns, changes: Columns, attempt: Model) -> bool:
    """Update the row and insert the attempt, if the row still has the expected values.

    Return False, with nothing written, where another worker has changed the row.
    """
    first = _update_sql(type(row), tuple(expected), tuple(changes))
    second = _insert_sql(type(attempt))
    values = _values(type(row), changes, expected)
    return _run(first, values, second, _insert_values(attempt))


def finish(row: Model, expected: Columns, changes: Columns, attempt: Model, ended: Columns) -> bool:
    """Update the row, if it has the expected values, and its attempt of that media and number.

    Return False, with nothing written, where the row has other values: the lease is lost.
    """
    key = {"media": attempt.media_id, "number": attempt.number}  # type: ignore[attr-defined]
    first = _update_sql(type(row), tuple(expected), tuple(changes))
    second = _update_sql(type(attempt), tuple(key), tuple(ended))
    values = _values(type(row), changes, expected)
    return _run(first, values, second, _values(type(attempt), ended, key))


def insert_new(row: Model) -> bool:
    """Insert the row and set its key; return False where a unique constraint has one like it.

    PostgreSQL logs a statement that fails, with the values in it; a conflict here is no failure.
    The statement waits for another transaction that is inserting the same.
    """
    keys = _returned(_insert_new_sql(type(row)), _insert_values(row))
    if keys:
        _set_key(row, keys[0])
    return bool(keys)


def insert_new_with(row: Model, children: Sequence[Model], link: str) -> bool:
    """Insert the row as `insert_new`, and with it those that refer to it by the field `link`.

    On PostgreSQL it is one round trip, where a transaction would take four.
    """
    if children and connection.vendor == "postgresql":
        sql = _insert_new_with_sql(type(row), type(children[0]), link, len(children))
        values = [value for child in children for value in _insert_values(child, link)]
        keys = _returned(sql, [*_insert_values(row), *values])
        for inserted, key in zip([row, *children] if keys else [], keys, strict=True):
            _set_key(inserted, key)
            if inserted is not row:
                setattr(inserted, link, row)
        return bool(keys)
    with transaction.atomic() if children else nullcontext():
        is_new = insert_new(row)
        for child in children if is_new else ():
            setattr(child, link, row)
            insert_new(child)
    return is_new


def upsert(row: Model, unique: str, changes: tuple[str, ...]) -> None:
    """Insert the row; where its value of the `unique` field exists, write these fields there.

    One statement in autocommit, where `update_or_create` takes four and `bulk_create` opens a
    transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_upsert_sql(type(row), unique, changes), _insert_values(row))


def _run(first: str, first_values: list[Any], second: str, second_values: list[Any]) -> bool:
    """Run both statements, or neither where the first changes no row; return whether it did.

    On PostgreSQL it is one round trip, where a transaction would take four. The second statement
    does not see what the first has changed.
    """
    if connection.vendor == "postgresql":
        second = f"{second} AND EXISTS (TABLE changed)"
        both = f"WITH changed AS ({first} RETURNING 1), after AS ({second}) TABLE changed"
        with connection.cursor() as cursor:
            cursor.execute(both, [*first_values, *second_values])
            return bool(cursor.rowcount > 0)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(first, first_values)
        changed = bool(cursor.rowcount > 0)
        if changed:
            cursor.execute(second, second_values)
    return changed


@cache
def _update_sql(rows: Rows, where: tuple[str, ...], changes: tuple[str, ...]) -> str:
    values = ", ".join(f"{_column(rows, name)} = %s" for name in changes)
    conditions = " AND ".join(f"{_column(rows, name)} = %s" for name in where)
    table = connection.ops.quote_name(rows._meta.db_table)
    return f"UPDATE {table} SET {values} WHERE {conditions}"  # noqa: S608  our own names


@cache
def _insert_sql(rows: Rows) -> str:
    columns = ", ".join(_column(rows, field.name) for field in _insertable(rows))
    values = ", ".join(["%s"] * len(_insertable(rows)))
    table = connection.ops.quote_name(rows._meta.db_table)
    # SELECT, not VALUES: the condition of _run is appended to the WHERE clause.
    return f"INSERT INTO {table} ({columns}) SELECT {values} WHERE TRUE"


@cache
def _insert_new_sql(rows: Rows) -> str:
    return f"{_insert_sql(rows)} ON CONFLICT DO NOTHING RETURNING {_key(rows)}"


@cache
def _insert_new_with_sql(rows: Rows, children: Rows, link: str, count: int) -> str:
    names = [field.name for field in _insertable(children, link)]
    columns = ", ".join(_column(children, name) for name in (link, *names))
    values = ", ".join(["%s"] * len(names))
    table = connection.ops.quote_name(children._meta.db_table)
    insert = f"INSERT INTO {table} ({columns}) SELECT parent.*, {values} FROM parent"  # noqa: S608
    child = f"{insert} RETURNING {_key(children)}"
    parts = [f"parent AS ({_insert_new_sql(rows)})"]
    parts += [f"child_{number} AS ({child})" for number in range(count)]
    keys = ", ".join(f"(TABLE child_{number})" for number in range(count))
    return f"WITH {', '.join(parts)} SELECT parent.*, {keys} FROM parent"  # noqa: S608  our own names


@cache
def _upsert_sql(rows: Rows, unique: str, changes: tuple[str, ...]) -> str:
    columns = [_column(rows, name) for name in changes]
    values = ", ".join(f"{column} = EXCLUDED.{column}" for column in columns)
    return f"{_insert_sql(rows)} ON CONFLICT ({_column(rows, unique)}) DO UPDATE SET {values}"


def _returned(sql: str, values: list[Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone() or ()


def _set_key(row: Model, key: Any) -> None:
    row.pk = key
    row._state.adding, row._state.db = False, connection.alias


def _insert_values(row: Model, without: str = "") -> list[Any]:
    fields = _insertable(type(row), without)
    return [_prepared(field, field.pre_save(row, True)) for field in fields]


def _prepared(field: Field[Any, Any], value: Any) -> Any:
    """Return the value as the database takes it."""
    # Most values stay as they are, and Django calls five functions for each.
    if type(value) in UNCHANGED and not isinstance(field, JSONField):
        return value
    return field.get_db_prep_save(value, connection)


def _insertable(rows: Rows, without: str = "") -> list[Field[Any, Any]]:
    """Return the fields that have a column, without the key that the database generates."""
    fields = rows._meta.concrete_fields
    return [field for field in fields if not field.primary_key and field.name != without]


def _values(rows: Rows, *columns: Columns) -> list[Any]:
    return [
        _prepared(_field(rows, name), value)
        for by_name in columns
        for name, value in by_name.items()
    ]


def _key(rows: Rows) -> str:
    return connection.ops.quote_name(str(rows._meta.pk.column))


def _column(rows: Rows, name: str) -> str:
    return connection.ops.quote_name(str(_field(rows, name).column))


def _field(rows: Rows, name: str) -> Field[Any, Any]:
    field: Field[Any, Any] = rows._meta.get_field(name)  # type: ignore[assignment]
    return field
