"""SQLite and PostgreSQL give the same timing figures, to the last digit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import servers
from tests.support.service import ROOT

pytestmark = pytest.mark.services


def timing_figures(data_dir: Path, database_url: str) -> dict[str, Any]:
    """Return the timing figures of the same history on this database."""
    env = {"DATA_DIR": str(data_dir), "DATABASE_URL": database_url}
    env["DJANGO_SETTINGS_MODULE"] = "mediapipe.settings"
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.timing_snapshot"],
        cwd=ROOT,
        env={**os.environ, **env},
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_timing_figures_are_identical_on_sqlite_and_postgresql(tmp_path: Path) -> None:
    sqlite = timing_figures(tmp_path, "")
    with servers.postgresql() as url:
        postgresql = timing_figures(tmp_path, url)
    assert sqlite["7d"]["figures"]["measured"] > 500
    assert sqlite == postgresql
