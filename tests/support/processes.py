"""Finds and awaits the processes of a service, and sends them signals."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def processes_of(data_dir: Path) -> set[int]:
    """Return the processes that have this folder in their environment or title; Linux only."""
    found = set()
    for process in Path("/proc").iterdir():
        # The process may end at any time.
        with suppress(OSError):
            if process.name.isdecimal() and _names(process, data_dir):
                found.add(int(process.name))
    return found


def _names(process: Path, folder: Path) -> bool:
    name = os.fsencode(folder)
    return any(name in (process / file).read_bytes() for file in ("cmdline", "environ"))


def wait_until_gone(pids: set[int], data_dir: Path, timeout_s: float) -> None:
    """Wait until these processes of the folder have ended; fail after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while left := pids & processes_of(data_dir):
        assert time.monotonic() < deadline, f"processes {left} are left"
        time.sleep(0.1)


def send_signals(pid: int, count: int) -> None:
    """Send `count` SIGINT and SIGTERM in random order, even if the process ends meanwhile."""
    rng = random.Random(count)
    for number in rng.choices(SIGNALS, k=count):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        time.sleep(rng.choice((0, 0.0003, 0.001)))
