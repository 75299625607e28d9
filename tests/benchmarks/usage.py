"""The CPU time and memory of a process and its descendants, as Linux counts them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> Iterator[int]:
    """Yield the PIDs of this process and all its descendants."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from tree(int(child))


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process and its descendants have used."""
    return sum(map(_cpu_s, tree(pid)))


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process and its descendants, in MB (10^6 bytes)."""
    return sum(_status_kib(each, "VmRSS") for each in tree(pid)) * 1024 / 1e6


def peak_rss_mb(pid: int) -> float:
    """Return the sum of the peak resident memory of each of these processes, in MB."""
    return sum(_status_kib(each, "VmHWM") for each in tree(pid)) * 1024 / 1e6


def pss_mb(pid: int) -> float:
    """Return the memory of a process and its descendants in MB; shared pages count by share."""
    return sum(_kib(f"/proc/{each}/smaps_rollup", "Pss") for each in tree(pid)) * 1024 / 1e6


def _cpu_s(pid: int) -> float:
    # The name of the program, in parentheses, may contain spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def _status_kib(pid: int, name: str) -> int:
    return _kib(f"/proc/{pid}/status", name)


def _kib(path: str, name: str) -> int:
    lines = Path(path).read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)
