from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from django.db import DataError, connection

from tests.support import servers

# The server's own standard error, which Debian redirects to a file.
STDERR = "/proc/self/fd/2"


class ServerLog:
    """What the tests' PostgreSQL server logs from now on, read through SQL."""

    def __init__(self) -> None:
        self._path = _query("SELECT coalesce(pg_current_logfile(), %s)", STDERR)
        self._start = self._size()
        # If the server logs elsewhere, a test that finds nothing must not pass.
        with suppress(DataError):
            _query("SELECT 'a statement that fails'::int")
        if "a statement that fails" not in self.text():
            servers.missing("the log of PostgreSQL is not in a file that it can read")

    def text(self) -> str:
        """Return everything logged since this object was created, for any client of the server."""
        length = self._size() - self._start
        data = _query("SELECT pg_read_binary_file(%s, %s, %s)", self._path, self._start, length)
        return bytes(data).decode(errors="replace")

    def _size(self) -> int:
        return int(_query("SELECT size FROM pg_stat_file(%s)", self._path))


def wait_for_blocked_statement(timeout_s: float = 10) -> None:
    """Wait until a statement in this database waits for a lock that another one holds."""
    deadline = time.monotonic() + timeout_s
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while not _query(waiting):
        # Otherwise a transaction keeps seeing the activity as of its first query.
        _query("SELECT pg_stat_clear_snapshot()")
        assert time.monotonic() < deadline, "no statement waits for a lock"
        time.sleep(0.02)


def _query(sql: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]
