"""Errors that a user can cause end a command with one line; bugs keep their traceback."""

from __future__ import annotations

import errno
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, connection

from mediapipe.failures import TransientMedia404
from mediapipe.fetching.attempt import conclude
from mediapipe.management import main as entry
from mediapipe.management.main import main
from mediapipe.providers.base import Evidence
from tests.support import make
from tests.support.commands import ROOT, environment, manage, run_each

# Each command with arguments that lead to its first query.
COMMANDS: dict[str, list[str]] = {
    "api_token": ["make", "crm"],
    "delete_at_twilio": [],
    "demo": [],
    "doctor": ["--only", "database"],
    "escalation_report": ["--since", "7d", "--output", "."],
    "export_media": [],
    "forget": ["--number", "+15550000077", "--dry-run"],
    "purge": [],
    "give_up": ["--dry-run"],
    "pause_account": ["AC1", "--by", "ada", "--reason", "x"],
    "resume_account": ["AC1", "--by", "ada"],
    "reconcile": ["--since", "1h"],
    "replay_spool": [],
    "retry": [],
    "retry_lab": [],
    "role": ["ada", "viewer"],
    "run": [],
    "seed_history": ["--media", "1"],
}
WITHOUT_DATABASE = {"embedded_broker", "notify_test", "simulate_twilio"}
# demo and run create the tables; replay_spool needs none while the spool is empty.
WITHOUT_TABLES = {"demo", "run", "replay_spool"}


def test_every_command_is_listed_in_this_file() -> None:
    files = (ROOT / "mediapipe" / "management" / "commands").glob("[a-z]*.py")
    assert {file.stem for file in files} == {*COMMANDS, *WITHOUT_DATABASE}


def test_help_lists_and_describes_every_command(tmp_path: Path) -> None:
    shown = manage("--help", data_dir=tmp_path).stdout
    assert "\n  retry             Retries failed media items, with a fresh schedule.\n" in shown
    assert all(f"\n  {name} " in shown for name in {*COMMANDS, *WITHOUT_DATABASE})


@pytest.mark.parametrize(
    ("url", "sentence", "untried"),
    [
        ("postgres://u:canary@127.0.0.1:1/x", "error: The database cannot be used: ", set()),
        ("", "error: The tables of this version are missing in the database: ", WITHOUT_TABLES),
    ],
    ids=["no server", "no tables"],
)
def test_each_command_ends_with_an_error_line_if_the_database_is_unusable(
    tmp_path: Path, url: str, sentence: str, untried: set[str]
) -> None:
    # The doctor reports this as a finding.
    commands = [[name, *words] for name, words in COMMANDS.items() if name not in untried]
    ended = run_each(commands, tmp_path, DATABASE_URL=url)
    assert ended.pop("doctor") == "1 "
    if not untried:
        assert ended.pop("replay_spool") == "0 "
    assert all(text.startswith(sentence) for text in ended.values()), ended
    assert "canary" not in str(ended)


def raise_from_command(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def execute(argv: list[str]) -> NoReturn:
        raise error

    monkeypatch.setattr(entry, "execute_from_command_line", execute)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ImproperlyConfigured("X must be a number."), "error: X must be a number."),
        (OSError(errno.ENOSPC, "No space left", "/a"), "error: /a: No space left."),
        (OSError(errno.EACCES, "Permission denied", "/a"), "error: /a: Permission denied."),
    ],
)
def test_an_environment_error_is_one_line_unless_a_traceback_is_requested(
    monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    raise_from_command(monkeypatch, error)
    with pytest.raises(SystemExit) as end:
        main(["manage.py", "purge"])
    assert end.value.code == sentence
    with pytest.raises(type(error)):
        main(["manage.py", "purge", "--traceback"])


@pytest.mark.parametrize(
    "bug", [ZeroDivisionError("x"), BrokenPipeError(), FileNotFoundError(2, "x"), ValueError("x")]
)
def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, bug: Exception) -> None:
    raise_from_command(monkeypatch, bug)
    # pytest's streams cannot be checked like real files; say that our own output did not break.
    monkeypatch.setattr(entry, "_is_reader_gone", lambda: False)
    with pytest.raises(type(bug)):
        main(["manage.py", "purge"])


@pytest.mark.django_db
@pytest.mark.database
def test_an_invalid_sql_statement_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def execute(argv: list[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column FROM mediapipe_mediaitem")

    monkeypatch.setattr(entry, "execute_from_command_line", execute)
    monkeypatch.setattr(entry, "_are_tables_missing", lambda: False)
    with pytest.raises(Exception, match="no_such_column"):
        main(["manage.py", "purge"])


def test_a_locked_database_is_reported_as_unusable() -> None:
    error = OperationalError("database is locked")
    cause = sqlite3.OperationalError("database is locked")
    cause.sqlite_errorname = "SQLITE_BUSY"
    error.__cause__ = cause
    assert "cannot be used: database is locked." in str(entry.explain(error))


def test_ctrl_c_prints_interrupted_and_exits_with_status_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raise_from_command(monkeypatch, KeyboardInterrupt())
    with pytest.raises(SystemExit) as end:
        main(["manage.py", "purge"])
    assert (end.value.code, capsys.readouterr().err) == (130, "Interrupted.\n")


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder whose database has its tables."""
    folder = tmp_path_factory.mktemp("data")
    assert manage("migrate", "-v0", data_dir=folder).returncode == 0
    return folder


def start(data_dir: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(data_dir),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # If a shell runs the tests in the background, their child processes ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


@pytest.mark.services
def test_ctrl_c_ends_a_long_command_without_a_traceback(migrated: Path) -> None:
    with start(migrated, "seed_history", "--media", "1000000") as process:
        try:
            wait_until_it_writes(migrated / "mediapipe.sqlite3-wal")
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "Interrupted."
    assert "Traceback" not in errors


def wait_until_it_writes(log: Path) -> None:
    """Wait until the WAL grows, because other connections see no row before the commit."""
    deadline = time.monotonic() + 90
    while not log.exists() or log.stat().st_size < 1_000_000:
        assert time.monotonic() < deadline
        time.sleep(0.1)


SIMULATOR = ["simulate_twilio", "--api", "127.0.0.1:0", "--cdn", "127.0.0.2:0"]


@pytest.mark.services
@pytest.mark.parametrize(
    "arguments",
    # The first prints less than its buffer holds, so it writes only when it ends.
    [["export_media", "--format", "csv", "--until", "2001-01-01"], ["purge"], SIMULATOR],
    ids=lambda arguments: arguments[0],
)
def test_a_closed_output_pipe_ends_the_command_silently(
    migrated: Path, arguments: list[str]
) -> None:
    with start(migrated, *arguments) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


@pytest.mark.services
@pytest.mark.parametrize(
    ("redirection", "status", "errors"),
    [
        (">/dev/full", 1, "error: the output: No space left on device.\n"),
        (">&- <&-", 0, ""),
    ],
)
def test_an_unwritable_output_causes_no_traceback(
    migrated: Path, redirection: str, status: int, errors: str
) -> None:
    ended = subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} manage.py purge {redirection}"],
        cwd=ROOT,
        env=environment(migrated),
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (status, errors)


def test_an_unreadable_accounts_file_causes_an_error_without_a_traceback(tmp_path: Path) -> None:
    ended = manage("notify_test", data_dir=tmp_path, TWILIO_ACCOUNTS_FILE=str(tmp_path))
    assert ended.returncode == 1
    assert "TWILIO_ACCOUNTS_FILE" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.django_db
def test_a_full_disk_leaves_no_partial_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*arguments: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    conclude(make.claimed(), TransientMedia404(), Evidence(http_status=404))
    monkeypatch.setattr("mediapipe.management.commands.escalation_report.write_package", full)
    with pytest.raises(CommandError, match="No space left on device"):
        call_command("escalation_report", "--since", "1h", "--output", str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_an_invalid_argument_is_explained_in_one_line_with_a_pointer_to_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # It would bind the log to this test's standard error, which is closed afterwards.
    monkeypatch.setattr("django.setup", lambda: None)
    with pytest.raises(SystemExit):
        main(["manage.py", "export_media", "--since", "garbage"])
    first, second = capsys.readouterr().err.splitlines()
    assert first == "See manage.py export_media --help."
    assert "'garbage' is not a time" in second
