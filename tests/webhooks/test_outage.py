"""Which database errors end once the database is available again, and which are our bugs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import (
    DatabaseError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    connection,
    connections,
    transaction,
)

from mediapipe.models import WebhookEvent
from mediapipe.webhooks import outage
from mediapipe.webhooks.outage import is_outage

pytestmark = [pytest.mark.django_db, pytest.mark.database]

only_postgresql = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="runs in tests/deployment/test_on_postgresql.py"
)


def error_of(statement: str) -> Exception:
    """Return what Django raises for a statement."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except Exception as error:
        return error
    raise AssertionError(f"{statement} raised nothing")


def with_code(kind: type[Exception], **code: object) -> Exception:
    """Return an error as Django raises it, with the client library's error as its cause."""
    error = kind("message")
    error.__cause__ = type("Cause", (Exception,), code)()
    return error


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM FROM",
        "SELECT * FROM no_such_table",
        "SELECT no_such_column FROM mediapipe_mediaitem",
        "INSERT INTO mediapipe_watermark (stream) VALUES (NULL)",
        pytest.param("SELECT 1/0", marks=only_postgresql),
        pytest.param("SELECT 'x'::int", marks=only_postgresql),
    ],
)
def test_an_error_in_a_statement_is_a_bug(statement: str) -> None:
    assert not is_outage(error_of(statement))


@pytest.mark.parametrize("name", ["no_such_table", "mediapipe_mediaitem WHERE no_such_column = 1"])
def test_a_missing_table_or_column_is_an_outage_while_a_migration_is_pending(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'mediapipe'")
    assert is_outage(error_of(f"SELECT * FROM {name}"))  # noqa: S608
    # SQLite has the same code for both errors.
    if connection.vendor == "postgresql":
        assert not is_outage(error_of("SELECT FROM FROM"))


@only_postgresql
@pytest.mark.parametrize(
    "statement",
    [
        "SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)",
        "SET LOCAL transaction_read_only = on; DELETE FROM mediapipe_mediaitem",
    ],
)
def test_a_timeout_and_a_read_only_database_are_outages(statement: str) -> None:
    assert is_outage(error_of(statement))


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("could not connect to server"),
        InterfaceError("connection already closed"),
        with_code(OperationalError, pgcode="57P01"),
        with_code(InternalError, sqlstate="25006"),
        with_code(OperationalError, sqlstate=None),
        with_code(OperationalError, pgcode="53100"),
        with_code(OperationalError, pgcode="53300"),
        with_code(OperationalError, pgcode="40P01"),
        with_code(OperationalError, pgcode="55P03"),
        with_code(OperationalError, pgcode="08P01"),
        with_code(InternalError, pgcode="25006"),
        with_code(ProgrammingError, pgcode="42501"),
        with_code(OperationalError, sqlite_errorcode=5),
        with_code(OperationalError, sqlite_errorcode=8 | 1 << 8),
        with_code(OperationalError, sqlite_errorcode=13),
    ],
    ids=lambda error: f"{error} {vars(type(error.__cause__))}"[:40],
)
def test_an_unavailable_database_is_an_outage(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        with_code(ProgrammingError, pgcode="42601"),
        with_code(OperationalError, sqlstate="42601"),
        with_code(InternalError, pgcode="25P02"),
        with_code(InternalError, pgcode="XX000"),
        with_code(OperationalError, sqlite_errorcode=1),
        with_code(OperationalError, sqlite_errorcode=19),
        ProgrammingError("no results to fetch"),
        DatabaseError("Save with update_fields did not affect any rows."),
        WebhookEvent.DoesNotExist(),
        ZeroDivisionError(),
    ],
    ids=repr,
)
def test_any_other_error_is_a_bug(error: Exception) -> None:
    with connection.cursor():
        assert not is_outage(error)


def test_an_unspecific_error_on_a_lost_connection_is_an_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections["default"], "is_usable", lambda: False)
    assert is_outage(DatabaseError("error with status PGRES_TUPLES_OK and no message from libpq"))


def test_a_migration_whose_state_cannot_be_read_is_treated_as_pending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: object) -> Callable[[], None]:
        raise OperationalError

    monkeypatch.setattr(outage, "MigrationExecutor", fail)
    assert is_outage(error_of("SELECT * FROM no_such_table"))
