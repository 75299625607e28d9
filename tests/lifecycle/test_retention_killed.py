"""The next purge finishes whatever a killed one left undone."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.faults import failpoints
from tests.support.commands import manage


def run(folder: Path, *arguments: str) -> int:
    """Run a management command with failpoints enabled; return its exit status."""
    return manage(
        *arguments,
        data_dir=folder,
        DJANGO_SETTINGS_MODULE="tests.faults.settings",
        FAILPOINTS=str(folder),
        RETENTION_FILES_DAYS="30",
    ).returncode


def listed_files(folder: Path) -> set[str]:
    """Return the names of the files that should exist according to the database."""
    query = (
        "SELECT storage_name FROM mediapipe_mediaitem WHERE storage_name > '' AND purged_at IS NULL"
    )
    with closing(sqlite3.connect(folder / "mediapipe.sqlite3")) as database:
        return {name for (name,) in database.execute(query)}


def existing_files(folder: Path) -> set[str]:
    """Return the names of the files that exist."""
    root = folder / "media"
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def make_history(folder: Path) -> None:
    """Fill the database with old and recent media, and write a file for each."""
    run(folder, "migrate", "--verbosity=0")
    run(folder, "seed_history", "--media=60", "--days=60")
    for name in listed_files(folder):
        path = folder / "media" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"media")


def test_a_killed_purge_keeps_every_listed_file_and_the_next_run_finishes_it(
    tmp_path: Path,
) -> None:
    make_history(tmp_path)
    before = listed_files(tmp_path)
    for failpoint in (failpoints.REMOVED_BUT_STILL_NAMED, failpoints.GIVEN_UP_BUT_NOT_REMOVED):
        failpoints.arm(tmp_path, failpoint, signal.SIGKILL)
        assert run(tmp_path, "purge") == -signal.SIGKILL
        assert listed_files(tmp_path) < before
        assert listed_files(tmp_path) < existing_files(tmp_path) < before
    assert run(tmp_path, "purge") == 0
    assert existing_files(tmp_path) == listed_files(tmp_path) != set()
