"""The hand-written SQL: the writes of every attempt, built once per process.

Django takes longer to build a queryset than PostgreSQL takes to run it. As querysets, claim and
finish took three times the CPU, a third of an attempt's; the upsert of the task result is worth
7% of the throughput (`make bench ARGS=retrieve`, 5 and 50 KB); the event with its media is a
quarter of a webhook's CPU. Everything else uses querysets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import DateTimeField, Field, JSONField, Model

Columns = Mapping[str, Any]
Rows = type[Model]
# Types whose values the database takes unchanged, in any column that is not JSON.
UNCHANGED: frozenset[type] = frozenset({str, int, float, type(None)})
# A condition that is always true. Until the end of the transaction, a commit does not wait for
# the disk.
NO_WAIT = "set_config('synchronous_commit', 'off', true) = 'off'"
# A field, and the types whose values the database takes unchanged for it.
Prepared: TypeAlias = tuple[Field[Any, Any], frozenset[type]]


def claim(row: Model, expected: Columns, changes: Columns, attempt: Model) -> bool:
    """Update the row and insert the attempt, if the row still has the expected values.

    Return False, with nothing written, if another worker has changed the row.
    """
    first = _update_sql(type(row), tuple(expected), tuple(changes))
    second = _insert_sql(type(attempt))
    values = _values(type(row), changes, expected)
    return _run(first, values, second, _insert_values(attempt))


def finish(row: Model, expected: Columns, changes: Columns, attempt: Model, ended: Columns) -> bool:
    """Update the row and the attempt's row, if the former has the expected values.

    Return False, with nothing written, if it has other values: the lease is lost.
    """
    key = {"media": attempt.media_id, "number": attempt.number}  # type: ignore[attr-defined]
    first = _update_sql(type(row), tuple(expected), tuple(changes))
    second = _update_sql(type(attempt), tuple(key), tuple(ended))
    values = _values(type(row), changes, expected)
    return _run(first, values, second, _values(type(attempt), ended, key))


def insert_new(row: Model) -> bool:
    """Insert the row and set its key; return False if it would violate a unique constraint.

    A conflict is no error here: PostgreSQL logs failed statements with their values. The statement
    waits for any transaction that is inserting the same row.
    """
    keys = first_row(_insert_new_sql(type(row)), _insert_values(row))
    if keys:
        _set_key(row, keys[0])
    return bool(keys)


def insert_new_with(row: Model, children: Sequence[Model], link: str) -> bool:
    """Insert the row like `insert_new`, and with it the rows that refer to it by the field `link`.

    On PostgreSQL this takes one round trip, where a transaction would take four.
    """
    if children and connection.vendor == "postgresql":
        sql = _insert_new_with_sql(type(row), type(children[0]), link, len(children))
        values = [value for child in children for value in _insert_values(child, link)]
        keys = first_row(sql, [*_insert_values(row), *values])
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
    """Insert the row, or update these fields of the row with the same value of the `unique` field.

    One statement in autocommit, where `update_or_create` takes four and `bulk_create` opens a
    transaction. A crash of the database or its machine may undo it, because it does not wait for
    the disk.
    """
    sql = _upsert_sql(type(row), unique, changes, alone=not connection.in_atomic_block)
    with connection.cursor() as cursor, _unsynced():
        cursor.execute(sql, _insert_values(row))


@contextmanager
def _unsynced() -> Iterator[None]:
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    # In WAL mode the file stays consistent, and the next synced commit syncs this one as well.
    connection.connection.execute("PRAGMA synchronous = NORMAL")
    try:
        yield
    finally:
        connection.connection.execute("PRAGMA synchronous = FULL")


def first_row(sql: str, values: Sequence[Any]) -> tuple[Any, ...]:
    """Return the first row of a statement that may run twice; () if there is none.

    On PostgreSQL, a connection that was lost while idle is replaced after the statement has failed:
    Django would check it before the statement, which takes another round trip.
    """
    if connection.vendor != "postgresql" or connection.in_atomic_block or not connection.connection:
        return _first_row(sql, values)
    connection.health_check_done = True  # type: ignore[attr-defined]  # missing in the types
    try:
        return _first_row(sql, values)
    except (OperationalError, InterfaceError):
        if connection.is_usable():
            raise
        connection.close()
        return _first_row(sql, values)


def _first_row(sql: str, values: Sequence[Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone() or ()


def _run(first: str, first_values: list[Any], second: str, second_values: list[Any]) -> bool:
    """Run both statements, or neither if the first changes no row; return whether it did.

    On PostgreSQL this takes one round trip, where a transaction would take four. The second
    statement does not see what the first has changed.
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
    columns = ", ".join(_column(rows, field.name) for field, _ in _insertable(rows))
    values = ", ".join(["%s"] * len(_insertable(rows)))
    table = connection.ops.quote_name(rows._meta.db_table)
    # SELECT, not VALUES: the condition of _run is appended to the WHERE clause.
    return f"INSERT INTO {table} ({columns}) SELECT {values} WHERE TRUE"


@cache
def _insert_new_sql(rows: Rows) -> str:
    return f"{_insert_sql(rows)} ON CONFLICT DO NOTHING RETURNING {_key(rows)}"


@cache
def _insert_new_with_sql(rows: Rows, children: Rows, link: str, count: int) -> str:
    names = [field.name for field, _ in _insertable(children, link)]
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
def _upsert_sql(rows: Rows, unique: str, changes: tuple[str, ...], *, alone: bool) -> str:
    """Return the statement; if it runs `alone`, PostgreSQL does not wait for its WAL to sync."""
    columns = [_column(rows, name) for name in changes]
    values = ", ".join(f"{column} = EXCLUDED.{column}" for column in columns)
    insert = _insert_sql(rows)
    if alone and connection.vendor == "postgresql":
        insert += f" AND {NO_WAIT}"
    return f"{insert} ON CONFLICT ({_column(rows, unique)}) DO UPDATE SET {values}"


def _set_key(row: Model, key: Any) -> None:
    row.pk = key
    row._state.adding, row._state.db = False, connection.alias


def _insert_values(row: Model, without: str = "") -> list[Any]:
    fields = _insertable(type(row), without)
    return _as_taken(fields, [field.pre_save(row, True) for field, _ in fields])


def _as_taken(fields: Sequence[Prepared], values: Iterable[Any]) -> list[Any]:
    """Return the values of these fields as the database takes them."""
    # Most stay unchanged, and Django calls five functions for each.
    return [
        value if type(value) in unchanged else field.get_db_prep_save(value, connection)
        for (field, unchanged), value in zip(fields, values, strict=True)
    ]


@cache
def _insertable(rows: Rows, without: str = "") -> list[Prepared]:
    """Return the fields that have a column, without the key that the database generates."""
    fields = rows._meta.concrete_fields
    return [_prepared(each) for each in fields if not each.primary_key and each.name != without]


@cache
def _named(rows: Rows, names: tuple[str, ...]) -> list[Prepared]:
    return [_prepared(_field(rows, name)) for name in names]


def _prepared(field: Field[Any, Any]) -> Prepared:
    if isinstance(field, JSONField):
        return field, frozenset()
    if isinstance(field, DateTimeField) and connection.vendor == "postgresql":
        return field, UNCHANGED | {datetime}
    return field, UNCHANGED


def _values(rows: Rows, *columns: Columns) -> list[Any]:
    taken = [_as_taken(_named(rows, tuple(each)), each.values()) for each in columns]
    return [value for values in taken for value in values]


def _key(rows: Rows) -> str:
    return connection.ops.quote_name(str(rows._meta.pk.column))


def _column(rows: Rows, name: str) -> str:
    return connection.ops.quote_name(str(_field(rows, name).column))


def _field(rows: Rows, name: str) -> Field[Any, Any]:
    field: Field[Any, Any] = rows._meta.get_field(name)  # type: ignore[assignment]
    return field
