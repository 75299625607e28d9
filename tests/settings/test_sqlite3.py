"""Several programs write to one SQLite database, over connections that they keep."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker

from mediapipe.settings import database
from mediapipe.settings.sqlite3.base import POLL_MS
from tests.support.configuration import env

CREATE = "CREATE TABLE IF NOT EXISTS note (text)"
INSERT = "INSERT INTO note VALUES ('x')"


@pytest.fixture(autouse=True)
def databases_allowed(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Allow database access; these databases are not the one of the other tests."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "test.sqlite3"


@contextmanager
def connected(path: Path, timeout_s: float = 30) -> Iterator[Any]:
    options = database.connection(env(), "NAME", path)
    options["OPTIONS"]["timeout"] = timeout_s
    connection = ConnectionHandler({"default": options})["default"]
    connection.inc_thread_sharing()
    with closing(connection):
        with connection.cursor() as cursor:
            cursor.execute(CREATE)
        yield connection


@contextmanager
def locked(path: Path, for_s: float = 60.0) -> Iterator[None]:
    """Hold the write lock inside the block, for this many seconds at most."""
    # In autocommit mode only the timer ends the transaction.
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    with closing(holder):
        holder.execute("BEGIN IMMEDIATE")
        timer = Timer(for_s, holder.commit)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def insert(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT)


def test_a_statement_waits_until_the_lock_is_free(path: Path) -> None:
    with connected(path) as connection, locked(path, for_s=50 * POLL_MS / 1000):
        insert(connection)


def test_a_transaction_waits_until_the_lock_is_free(path: Path) -> None:
    with connected(path) as connection, locked(path, for_s=50 * POLL_MS / 1000):
        connection.cursor().execute("BEGIN IMMEDIATE")
        connection.cursor().execute("COMMIT")


def test_sqlite_waits_no_longer_than_the_polling_interval(path: Path) -> None:
    with connected(path) as connection, connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (POLL_MS,)


def test_a_statement_fails_if_the_lock_is_still_held_after_the_timeout(path: Path) -> None:
    with (
        connected(path, timeout_s=0.05) as connection,
        locked(path),
        pytest.raises(OperationalError, match="locked"),
    ):
        insert(connection)


def test_an_error_other_than_a_lock_is_raised_at_once(path: Path) -> None:
    with connected(path) as connection, pytest.raises(OperationalError, match="no such table"):
        connection.cursor().execute("SELECT * FROM missing")


def test_a_connection_is_kept_for_the_next_request(path: Path) -> None:
    with connected(path) as connection:
        before = connection.connection
        connection.close_if_unusable_or_obsolete()
        insert(connection)
        assert connection.connection is before


def test_a_kept_connection_does_not_write_to_a_database_that_was_moved_away(path: Path) -> None:
    with connected(path) as connection:
        connection.close_if_unusable_or_obsolete()
        path.rename(path.with_suffix(".old"))
        with pytest.raises(OperationalError, match="no such table"):
            insert(connection)


def test_a_kept_connection_writes_to_the_new_file_after_a_restore(path: Path) -> None:
    with connected(path) as connection:
        connection.close_if_unusable_or_obsolete()
        path.rename(path.with_suffix(".old"))
        with connected(path):
            insert(connection)
    with closing(sqlite3.connect(path)) as restored:
        assert restored.execute("SELECT count(*) FROM note").fetchone() == (1,)
