"""Plans of queries, as the database explains them."""

from __future__ import annotations

from django.db import connection, transaction

EXPLAIN = {"postgresql": "EXPLAIN", "sqlite": "EXPLAIN QUERY PLAN"}


def index_plan(sql: str, *prepare: str) -> str:
    """Return the plan of a query; on PostgreSQL after `prepare`, and without sequential scans."""
    with connection.cursor() as cursor, transaction.atomic():
        if connection.vendor == "postgresql":
            # On an empty table the planner prefers such a scan, as it would not on a million rows.
            for statement in ("SET LOCAL enable_seqscan = off", *prepare):
                cursor.execute(statement)
        cursor.execute(f"{EXPLAIN[connection.vendor]} {sql}")
        plan = str(cursor.fetchall())
        transaction.set_rollback(True)
    return plan
