"""Downloads that dead workers left behind are removed, and those in progress are kept."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mediapipe.fetching import storage
from tasks.sweep_files import sweep_files

pytestmark = [pytest.mark.django_db, pytest.mark.database]

DAY_S = 86_400.0


def partial(name: str, age_s: float = 0.0) -> Path:
    """Write a part of a download that has not changed for this long."""
    path = storage.incoming_folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half")
    changed_at = time.time() - age_s
    os.utime(path, (changed_at, changed_at))
    return path


def test_an_old_download_is_removed_and_one_in_progress_is_kept() -> None:
    old, young = partial("old", DAY_S), partial("young")
    assert sweep_files() == 1
    assert (old.exists(), young.exists()) == (False, True)


def test_a_download_that_ends_meanwhile_does_not_prevent_other_removals() -> None:
    old = partial("old", DAY_S)
    # Listed, but not found, as a download that a worker has just moved to its place.
    (old.parent / "moved").symlink_to("nowhere")
    assert sweep_files() == 1
    assert not old.exists()


def test_without_a_download_there_is_nothing_to_remove() -> None:
    assert sweep_files() == 0
