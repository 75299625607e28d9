"""Django's SQLite backend, with short waits for the write lock and a check of kept connections.

ENGINE names the package; Django imports the module `base` in it.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base

# SQLite waits up to 100 ms between two checks of the lock, so that other writers often overtake it.
# With this timeout it gives up instead, and Cursor calls it again.
POLL_MS = 3
# The low byte of a result code is the primary code; the other bytes give details.
PRIMARY = 0xFF


class Cursor(base.SQLiteCursorWrapper):
    """Begins a transaction or runs a single statement as soon as the write lock is free."""

    timeout_s = 0.0

    def execute(self, query: str, params: Any = None) -> Any:
        end = time.monotonic() + self.timeout_s
        while True:
            try:
                return super().execute(query, params)
            except sqlite3.OperationalError as error:
                is_busy = error.sqlite_errorcode & PRIMARY == sqlite3.SQLITE_BUSY
                # A transaction that has begun waits for a lock only if two wait for each other.
                if not is_busy or self.connection.in_transaction or time.monotonic() > end:
                    raise


class DatabaseWrapper(base.DatabaseWrapper):
    """`timeout` in OPTIONS is how many seconds a statement waits for the write lock."""

    _opened: tuple[int, int] | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        # Not before: other locking statements, such as the change to WAL, run while connecting.
        connection.execute(f"PRAGMA busy_timeout = {POLL_MS}")
        self._opened = self._file()
        return connection

    def create_cursor(self, name: str | None = None) -> Cursor:
        cursor: Cursor = self.connection.cursor(factory=Cursor)
        cursor.timeout_s = self.settings_dict["OPTIONS"]["timeout"]
        return cursor

    def is_usable(self) -> bool:
        """Return whether the file at NAME is still the one that the connection has open."""
        return self._opened == self._file()

    def _file(self) -> tuple[int, int] | None:
        try:
            found = Path(self.settings_dict["NAME"]).stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
