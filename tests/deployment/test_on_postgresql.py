"""PostgreSQL refuses some of what SQLite accepts: the tests marked `database` run there too."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support import servers
from tests.support.service import ROOT

# It starts no service, but keeps one core busy, as tests of whole services do.
pytestmark = [pytest.mark.services, pytest.mark.xdist_group("postgresql")]

PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]


def test_the_database_tests_pass_on_postgresql() -> None:
    with servers.postgresql() as url:
        done = subprocess.run(
            [*PYTEST, "-m", "database"],
            cwd=ROOT,
            env=environment() | {"DATABASE_URL": url},
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-5000:]


def environment() -> dict[str, str]:
    """Return this process's environment without pytest-xdist's variables."""
    return {name: value for name, value in os.environ.items() if "XDIST" not in name}
