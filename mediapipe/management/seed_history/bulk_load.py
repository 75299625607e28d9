"""Loading many rows into PostgreSQL: COPY, and indexes that are built once, at the end.

For a million media items and more, `bulk_create` and index maintenance would take most of the
time.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import Field, ForeignKey, JSONField, Model

Rows = type[Model]
NULL = r"\N"
# For building an index; with PostgreSQL's default of 64 MB, ten million keys take many passes.
MAINTENANCE_WORK_MEM = "512MB"


def insert(rows: Sequence[Model]) -> None:
    """Insert rows of one model, and set their primary keys."""
    if not rows:
        return
    if connection.vendor == "postgresql":
        _copy(rows)
    else:
        type(rows[0])._default_manager.bulk_create(rows)


def _copy(rows: Sequence[Model]) -> None:
    model = type(rows[0])
    table = connection.ops.quote_name(model._meta.db_table)
    columns = [
        connection.ops.quote_name(str(field.column)) for field in model._meta.concrete_fields
    ]
    sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT csv, NULL '{NULL}')"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [model._meta.db_table, len(rows)],
        )
        for row, (key,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = key
        text = _csv_of(rows)
        if hasattr(cursor, "copy_expert"):
            cursor.copy_expert(sql, text)
        else:
            # psycopg 3.
            with cursor.copy(sql) as copy:
                copy.write(text.getvalue())


def _csv_of(rows: Sequence[Model]) -> io.StringIO:
    text = io.StringIO()
    fields = type(rows[0])._meta.concrete_fields
    csv.writer(text).writerows([_value(row, field) for field in fields] for row in rows)
    text.seek(0)
    return text


def _value(row: Model, field: Field[Any, Any]) -> Any:
    # The parent got its key after the child was created.
    value = getattr(row, field.name).pk if isinstance(field, ForeignKey) else vars(row)[field.name]
    if value is None:
        return NULL
    return json.dumps(value) if isinstance(field, JSONField) else value


@contextmanager
def without_indexes(*models: Rows) -> Iterator[None]:
    """Drop the tables' declared indexes and constraints on PostgreSQL; rebuild them at the end.

    Requires a transaction, which locks the tables until it ends; an error restores everything.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.schema_editor() as editor:
        for model in models:
            for index in model._meta.indexes:
                editor.remove_index(model, index)
            for constraint in model._meta.constraints:
                editor.remove_constraint(model, constraint)
    # Deferred checks of foreign keys would be held in memory until the commit.
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"SET LOCAL maintenance_work_mem = '{MAINTENANCE_WORK_MEM}'")
    yield
    with connection.schema_editor() as editor:
        for model in models:
            for index in model._meta.indexes:
                editor.add_index(model, index)
            for constraint in model._meta.constraints:
                editor.add_constraint(model, constraint)
