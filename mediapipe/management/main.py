"""Run a command: an error that a user can cause prints one line, a bug its traceback."""

from __future__ import annotations

import errno
import os
import re
import select
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management import (
    ManagementUtility,
    execute_from_command_line,
    get_commands,
    load_command_class,
)
from django.core.management.base import CommandParser
from django.db import DatabaseError, Error, InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from mediapipe.webhooks.outage import is_no_connection_left, sqlstate

APP = "mediapipe"
DJANGO_HELP = ManagementUtility.main_help_text
INTERRUPTED = 128 + signal.SIGINT
# The exit status that a shell reports for a program killed by SIGPIPE.
CLOSED_PIPE = 128 + signal.SIGPIPE
# File system errors that our code cannot prevent.
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
# The others, such as SQLITE_ERROR (a wrong statement) and SQLITE_CONSTRAINT, may be bugs.
SQLITE_OUTAGE = re.compile(
    "SQLITE_(?:BUSY|CANTOPEN|CORRUPT|FULL|IOERR|LOCKED|NOTADB|PERM|READONLY)"
)
# SQLSTATEs of PostgreSQL: the server is a read-only standby; the role lacks a privilege.
NOT_PERMITTED = {"25006", "42501"}


def main(argv: Sequence[str]) -> None:
    """Run the command in these arguments, as manage.py does; may raise SystemExit.

    Django itself prints a CommandError as one line. With `--traceback`, an option of every
    command, other errors keep their traceback too.
    """
    _open_closed_streams()
    # Ten lines of usage would hide the one line about what is wrong; Django has no hook for this.
    CommandParser.print_usage = _print_where_help_is  # type: ignore[assignment, method-assign]
    ManagementUtility.main_help_text = _help_text  # type: ignore[assignment, method-assign]
    try:
        try:
            execute_from_command_line(list(argv))
        finally:
            # A flush at exit could only print a warning about a closed pipe.
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


def _print_where_help_is(parser: ArgumentParser, file: Any = None) -> None:
    (file or sys.stdout).write(f"See {parser.prog} --help.\n")


def _help_text(utility: ManagementUtility, commands_only: bool = False) -> str:
    text = DJANGO_HELP(utility, commands_only)
    if commands_only or utility.settings_exception:
        return text
    ours = sorted(name for name, app in get_commands().items() if app == APP)
    lines = [f"  {name:<18}{load_command_class(APP, name).help}" for name in ours]
    return "\n".join(["Commands of mediapipe:", "", *lines, "", text])


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
    message = " ".join(str(error).split()).rstrip(".?")
    remedy = "Check it and DATABASE_URL."
    if is_no_connection_left(error):
        remedy = "Run fewer workers or raise max_connections; see docs/deploying.md#connections."
    outage = f"The database cannot be used: {message}. {remedy}"
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
    """Open streams that the caller closed (`>&-`), or a database could get their descriptors."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115  (open to the end)


def _is_reader_gone() -> bool:
    """Return whether a reader closed our output, and discard what was not written yet."""
    gone = False
    for stream in (sys.stdout, sys.stderr):
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        # The kernel reports this only for a pipe without a reader.
        if any(event & select.POLLERR for _, event in poll.poll(0)):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            gone = True
    return gone
