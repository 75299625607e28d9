"""Run a command so that what a person can cause ends in one line, and a bug in its traceback."""

from __future__ import annotations

import errno
import os
import re
import select
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import DatabaseError, Error, InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from mediapipe.webhooks.outage import sqlstate

INTERRUPTED = 128 + signal.SIGINT
# What a shell reports of a program whose reader went away.
CLOSED_PIPE = 128 + signal.SIGPIPE
# Errors of the file system that no code of ours can prevent.
ENVIRONMENT = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EMFILE,
    errno.ENFILE,
}
# SQLite reports a wrong statement as SQLITE_ERROR, and misuse and constraints under their names.
SQLITE_OUTAGE = re.compile(
    "SQLITE_(?:BUSY|CANTOPEN|CORRUPT|FULL|IOERR|LOCKED|NOTADB|PERM|READONLY)"
)
# PostgreSQL: a stand-by that is read-only, and a role without the privilege.
NOT_PERMITTED = {"25006", "42501"}


def main(argv: Sequence[str]) -> None:
    """Run the command of these arguments, as manage.py; may raise SystemExit.

    Django itself prints a CommandError as one line. `--traceback`, an option of every command,
    shows where the other errors come from too.
    """
    _open_closed_streams()
    try:
        try:
            execute_from_command_line(list(argv))
        finally:
            # At exit Python could only complain about a closed pipe.
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        if not _is_reader_gone():
            raise
        sys.exit(CLOSED_PIPE)
    except Exception as error:
        sentence = None if "--traceback" in argv else explain(error)
        if sentence is None:
            raise
        sys.exit(f"error: {sentence}")


def explain(error: Exception) -> str | None:
    """Return what is wrong and what to do, or None for an error that may be a bug."""
    if isinstance(error, ImproperlyConfigured):
        return str(error)
    if isinstance(error, Error):
        return _explain_database_error(error)
    if isinstance(error, OSError) and error.errno in ENVIRONMENT:
        return f"{error.filename or 'the output'}: {error.strerror}."
    return None


def _explain_database_error(error: Error) -> str | None:
    # Neither libpq nor SQLite puts a password into a message.
    message = " ".join(str(error).split())
    outage = f"The database cannot be used: {message}. Check it and DATABASE_URL."
    if _is_outage(error):
        return outage
    try:
        missing = _are_tables_missing()
    except (DatabaseError, InterfaceError):
        return outage
    if missing:
        return "The tables of this version are missing in the database: run manage.py migrate."
    return None


def _are_tables_missing() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _is_outage(error: Error) -> bool:
    sqlite_error = getattr(error.__cause__, "sqlite_errorname", None)
    if sqlite_error is not None:
        return bool(SQLITE_OUTAGE.match(sqlite_error))
    if sqlstate(error) in NOT_PERMITTED:
        return True
    return connection.vendor != "sqlite" and isinstance(error, OperationalError | InterfaceError)


def _open_closed_streams() -> None:
    """Open what the caller closed (`>&-`); otherwise a database would get that file descriptor."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115  (open to the end)


def _is_reader_gone() -> bool:
    """Return whether the reader of our output is gone, and discard what was not written yet."""
    gone = False
    for stream in (sys.stdout, sys.stderr):
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        # The kernel reports this of a pipe without reader only.
        if any(event & select.POLLERR for _, event in poll.poll(0)):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            gone = True
    return gone
