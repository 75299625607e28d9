"""Web, worker and beat as processes of their own, started together, restarted, stopped cleanly."""

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

# A program that dies at once is not started again in a tight loop.
RESTART_PAUSE_S = 2.0
# What is not ready by then is left to the programs that need it: they try again by themselves.
READY_S = 10.0


class Supervisor:
    """Starts programs, starts those again that end, and stops all in the reverse order.

    With `log_dir` each program writes to a file of its own there, else to our own output.
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
            self._wait_until_ready(program)
        return self

    def _wait_until_ready(self, program: Program) -> None:
        deadline = time.monotonic() + READY_S
        while not program.is_ready() and time.monotonic() < deadline:
            self.stopping.wait(0.05)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, name: str) -> None:
        """Start one program in a session of its own, so that Ctrl-C reaches only us."""
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
        # One that another thread is about to start is looked at the next time.
        process = self.running.get(name)
        status = process and process.poll()
        if status is None or time.monotonic() - self.started_at[name] < RESTART_PAUSE_S:
            return
        logger.error("%s ended with status %s; it is started again", name, status)
        self.start(name)

    def stop(self) -> None:
        """Ask every program to end, the last started first, and wait for each."""
        self.stopping.set()
        for name in reversed(self.running):
            self.end(name)

    def end(self, name: str) -> None:
        """Ask one program to end and wait for it; kill it when its grace is over."""
        process = self.running[name]
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(self.programs[name].grace_s)
        except subprocess.TimeoutExpired:
            logger.error("%s did not end in time and is killed", name)
            process.kill()
            process.wait()
        logger.info("%s has ended", name)
