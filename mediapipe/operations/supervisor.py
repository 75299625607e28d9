from __future__ import annotations

import logging
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings

from mediapipe.operations.programs import Program

logger = logging.getLogger(__name__)

# A program that dies immediately is not restarted in a tight loop.
RESTART_PAUSE_S = 2.0
# After this the next program starts anyway: all of them retry what they depend on.
READY_TIMEOUT_S = 10.0


class Supervisor:
    """Starts programs in order, restarts those that exit, and stops all in reverse order.

    With `log_dir` each program logs to a file there, else to this process's output.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        env: Mapping[str, str] | None = None,
        log_dir: Path | None = None,
    ) -> None:
        self.programs = {program.name: program for program in programs}
        self.env = {**os.environ, **(env or {})}
        self.log_dir = log_dir
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.started_at: dict[str, float] = {}
        self.stopping = threading.Event()

    def __enter__(self) -> Self:
        for name, program in self.programs.items():
            self.start(name)
            deadline = time.monotonic() + READY_TIMEOUT_S
            while not program.is_ready() and time.monotonic() < deadline:
                self.stopping.wait(0.05)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, name: str) -> None:
        """Start one program in its own session: Ctrl-C then reaches only the supervisor."""
        with ExitStack() as stack:
            output = None
            if self.log_dir:
                self.log_dir.mkdir(parents=True, exist_ok=True)
                output = stack.enter_context((self.log_dir / f"{name}.log").open("ab"))
            self.running[name] = subprocess.Popen(
                self.programs[name].command,
                cwd=settings.BASE_DIR,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.started_at[name] = time.monotonic()
        logger.info("started %s (pid %d)", name, self.running[name].pid)

    def watch(self) -> None:
        """Keep every program running until `stopping` is set."""
        while not self.stopping.wait(0.2):
            for name in self.programs:
                self._restart_if_ended(name)

    def _restart_if_ended(self, name: str) -> None:
        # One that another thread is about to start is checked in the next round.
        process = self.running.get(name)
        status = process and process.poll()
        if status is None or time.monotonic() - self.started_at[name] < RESTART_PAUSE_S:
            return
        logger.error("%s exited with status %s; restarting", name, status)
        self.start(name)

    def stop(self) -> None:
        """Terminate every program, the last started first, and wait for each."""
        self.stopping.set()
        for name in reversed(self.running):
            self.end(name)

    def end(self, name: str) -> None:
        """Terminate one program and wait for it; kill it after its grace period."""
        process = self.running[name]
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(self.programs[name].grace_s)
        except subprocess.TimeoutExpired:
            logger.error("%s did not exit in time; killing it", name)
            process.kill()
            process.wait()
        logger.info("%s has stopped", name)
