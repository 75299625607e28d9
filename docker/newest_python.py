#!/usr/bin/env python3
"""Run `make test` with Debian's newest Python and Django 6.1: `docker/newest_python.py FOLDER`.

For machines that have an older Python, such as those of CI. The tests run as root in a minimal
Debian below the folder, and reach the services of this machine at their local ports.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import debian

ROOT = Path(__file__).resolve().parent.parent
TEST = ["make", "-C", "/src", "test", "PYTHON=python3", "VENV=/venv", "EXTRAS=django61"]


def main(folder: Path) -> int:
    """Run the tests in a Debian below this folder; return their exit status."""
    root = folder / "tests"
    if not root.exists():
        debian.copied(debian.bare(folder), root)
    debian.run(root, ["python3", "--version"], ROOT)
    return debian.run(root, TEST, ROOT)


if __name__ == "__main__":
    if len(sys.argv) != 2 or os.geteuid() or not shutil.which("debootstrap"):
        sys.exit("usage, as root and with debootstrap installed: docker/newest_python.py FOLDER")
    work = Path(sys.argv[1]).resolve()
    work.mkdir(parents=True, exist_ok=True)
    sys.exit(main(work))
