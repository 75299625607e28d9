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


def promised(folder: Path) -> set[str]:
    """Return the names of the files that should exist according to the database."""
    promising = (
        "SELECT storage_name FROM mediapipe_mediaitem WHERE storage_name > '' AND purged_at IS NULL"
    )
    with closing(sqlite3.connect(folder / "mediapipe.sqlite3")) as database:
        return {name for (name,) in database.execute(promising)}


def kept(folder: Path) -> set[str]:
    """Return the names of the files that exist."""
    root = folder / "media"
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def make_history(folder: Path) -> None:
    """Fill the database with old and recent media, and write a file for each."""
    run(folder, "migrate", "--verbosity=0")
    run(folder, "seed_history", "--media=60", "--days=60")
    for name in promised(folder):
        path = folder / "media" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"media")


def test_a_killed_purge_keeps_every_listed_file_and_the_next_run_finishes_it(
    tmp_path: Path,
) -> None:
    make_history(tmp_path)
    before = promised(tmp_path)
    for place in (failpoints.REMOVED_BUT_STILL_NAMED, failpoints.GIVEN_UP_BUT_NOT_REMOVED):
        failpoints.arm(tmp_path, place, signal.SIGKILL)
        assert run(tmp_path, "purge") == -signal.SIGKILL
        assert promised(tmp_path) < before
        assert promised(tmp_path) < kept(tmp_path) < before
    assert run(tmp_path, "purge") == 0
    assert kept(tmp_path) == promised(tmp_path) != set()
