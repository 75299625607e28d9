"""What SQLite forgives, PostgreSQL refuses: the tests marked `database` run there too."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests import servers
from tests.service import ROOT

pytestmark = pytest.mark.services

# Several processes, because nothing else runs meanwhile: half of CI's minutes here.
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2"]


def test_the_database_tests_pass_on_postgresql() -> None:
    with servers.postgresql() as url:
        done = subprocess.run(
            [*PYTEST, "-m", "database"],
            cwd=ROOT,
            env=environment() | {"DATABASE_URL": url},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-5000:]


def environment() -> dict[str, str]:
    """Return ours without the word that this process may itself be one of several."""
    return {name: value for name, value in os.environ.items() if "XDIST" not in name}
