"""Several programs write to one SQLite database, over connections that they keep."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker

from mediapipe.settings import database
from tests.support.configuration import env

CREATE = "CREATE TABLE IF NOT EXISTS note (text)"
INSERT = "INSERT INTO note VALUES ('x')"


@pytest.fixture(autouse=True)
def databases_allowed(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Allow databases; none of these is the one of the other tests."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "test.sqlite3"


@contextmanager
def connected(path: Path) -> Iterator[Any]:
    options = database.connection(env(), "NAME", path)
    connection = ConnectionHandler({"default": options})["default"]
    connection.inc_thread_sharing()
    with closing(connection):
        with connection.cursor() as cursor:
            cursor.execute(CREATE)
        yield connection


def insert(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT)


def test_a_connection_is_kept_for_the_next_request(path: Path) -> None:
    with connected(path) as connection:
        before = connection.connection
        connection.close_if_unusable_or_obsolete()
        insert(connection)
        assert connection.connection is before


def test_a_database_that_vanished_is_not_written_to(path: Path) -> None:
    with connected(path) as connection:
        connection.close_if_unusable_or_obsolete()
        path.rename(path.with_suffix(".old"))
        with pytest.raises(OperationalError, match="no such table"):
            insert(connection)


def test_after_a_restore_the_new_file_is_written_to(path: Path) -> None:
    with connected(path) as connection:
        connection.close_if_unusable_or_obsolete()
        path.rename(path.with_suffix(".old"))
        with connected(path):
            insert(connection)
    with closing(sqlite3.connect(path)) as restored:
        assert restored.execute("SELECT count(*) FROM note").fetchone() == (1,)
