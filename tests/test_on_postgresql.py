"""What SQLite forgives, PostgreSQL refuses: the tests marked `database` run there too."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests import servers
from tests.service import ROOT

pytestmark = pytest.mark.services


def test_the_database_tests_pass_on_postgresql() -> None:
    with servers.postgresql() as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-m", "database", "-p", "no:cacheprovider"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-5000:]
