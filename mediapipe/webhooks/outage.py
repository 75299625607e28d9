"""Tells an outage of the database, which passes, from a bug, which fails the same way again.

By the SQLSTATE on PostgreSQL (https://www.postgresql.org/docs/current/errcodes-appendix.html) and
by the result code on SQLite (https://www.sqlite.org/rescode.html). The exception classes do not
tell: ProgrammingError is raised for a syntax error as well as for a missing table, and on SQLite
OperationalError for both.
"""

from __future__ import annotations

import re
import sqlite3

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

# Connection lost, login refused, no such database or schema, transaction rolled back (deadlock),
# disk or memory full or too many connections, shutdown or timeout, input/output error.
OUTAGE_CLASSES = {"08", "28", "3D", "3F", "40", "53", "57", "58"}
# A read-only stand-by, a transaction that idled or took too long, a lock timeout, missing GRANTs.
OUTAGE_STATES = {"25006", "25P03", "25P04", "55P03", "42501"}
# An undefined table and an undefined column.
UNDEFINED = {"42P01", "42703"}
SQLITE_OUTAGES = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_SCHEMA,
    sqlite3.SQLITE_NOTADB,
}
# PostgreSQL's and PgBouncer's refusals of one more connection. libpq passes on no SQLSTATE of a
# connection that failed.
NO_CONNECTION_LEFT = re.compile(
    "too many (clients|connections)|connection slots are reserved|no more connections allowed"
)
# The low byte of a result code is the primary code; the other bytes give details.
PRIMARY = 0xFF


def is_outage(error: Exception) -> bool:
    """Return whether the database is unavailable, so that the statement is worth repeating.

    A missing table or column is an outage while a migration is pending, and a bug afterwards.
    """
    if not isinstance(error, DatabaseError | InterfaceError):
        return False
    if state := sqlstate(error):
        if state in UNDEFINED:
            return _is_migration_pending()
        return state[:2] in OUTAGE_CLASSES or state in OUTAGE_STATES
    if code := getattr(error.__cause__, "sqlite_errorcode", None):
        if code == sqlite3.SQLITE_ERROR:
            return _is_migration_pending()
        return code & PRIMARY in SQLITE_OUTAGES
    # The client library's own errors have no code: it could not connect, or lost the connection.
    return isinstance(error, OperationalError | InterfaceError) or not _is_connected()


def is_no_connection_left(error: Exception) -> bool:
    """Return whether the database refused a connection because it has too many."""
    return bool(NO_CONNECTION_LEFT.search(str(error)))


def sqlstate(error: Exception) -> str | None:
    """Return PostgreSQL's code of an error; psycopg2 calls it pgcode."""
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)


def _is_connected() -> bool:
    return connection.connection is not None and connection.is_usable()


def _is_migration_pending() -> bool:
    try:
        executor = MigrationExecutor(connection)
        return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except (DatabaseError, InterfaceError):
        return True
