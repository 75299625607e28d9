"""The programs of the service under a supervisor, and its management commands."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGCONT, SIGKILL, Signals

from mediapipe.operations.supervisor import Supervisor
from tests.support.service import LONG_S, ROOT

GRACE_S = 60.0


@contextmanager
def supervised(supervisor: Supervisor) -> Iterator[None]:
    """Keep the programs running, as `manage.py run` does."""
    with supervisor:
        thread = threading.Thread(target=supervisor.watch)
        thread.start()
        try:
            yield
        finally:
            supervisor.stopping = True
            thread.join()


def end(process: subprocess.Popen[bytes]) -> None:
    """Terminate a program, frozen or not, and wait for it."""
    if process.poll() is None:
        process.send_signal(SIGCONT)
        process.terminate()
        process.wait(GRACE_S)


def signal_children(process: subprocess.Popen[bytes], number: Signals = SIGKILL) -> int:
    """Signal the child processes of a program, by default kill; return how many there are."""
    children = _children(process.pid)
    for child in children:
        # It may have ended since.
        with suppress(ProcessLookupError):
            os.kill(child, number)
    return len(children)


def is_stopped(process: subprocess.Popen[bytes]) -> bool:
    """Return whether SIGSTOP has stopped a program or one of its child processes."""
    stats = [Path(f"/proc/{pid}/stat") for pid in (process.pid, *_children(process.pid))]
    # The state follows the name of the program, which is in parentheses.
    return any(stat.read_text().rpartition(")")[2].split()[0] == "T" for stat in stats)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def manage(env: dict[str, str], *arguments: str) -> None:
    """Run a management command of the service."""
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=ROOT, env=env, check=True, timeout=LONG_S)
