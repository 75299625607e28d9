"""Clocks that jump: a thread in each process shifts its wall clock as soon as a file changes.

The monotonic clock is unaffected, as it is by a jump of the real clock.
"""

import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

EVERYWHERE = "clock"
WORKER = "clock-of-the-worker"


def set_clock(folder: Path, shift_s: float, name: str = EVERYWHERE) -> None:
    """Shift the wall clocks of all processes, or of the worker alone, by `shift_s` seconds."""
    temporary = folder / f"{name}.new"
    temporary.write_text(str(shift_s))
    temporary.rename(folder / name)
    # Three times the interval at which the processes poll the file.
    time.sleep(0.3)


def reset(folder: Path) -> None:
    """Set all clocks back to the real time."""
    for name in (EVERYWHERE, WORKER):
        if (folder / name).exists():
            set_clock(folder, 0, name)


def follow() -> None:
    """Start the thread that follows the files in this process."""
    folder = Path(os.environ["FAILPOINTS"])
    names = [EVERYWHERE, WORKER] if "worker" in sys.argv else [EVERYWHERE]
    threading.Thread(target=_follow, args=(folder, names), daemon=True).start()


def _follow(folder: Path, names: list[str]) -> None:
    shift_s = 0.0
    machine: time_machine.travel | None = None
    while True:
        wanted_s = sum(_read(folder / name) for name in names)
        if wanted_s != shift_s:
            if machine:
                machine.stop()
            machine = _travel(wanted_s) if wanted_s else None
            shift_s = wanted_s
        time.sleep(0.1)


def _travel(shift_s: float) -> time_machine.travel:
    machine = time_machine.travel(datetime.now(UTC) + timedelta(seconds=shift_s))
    machine.start()
    return machine


def _read(file: Path) -> float:
    return float(file.read_text()) if file.exists() else 0.0
