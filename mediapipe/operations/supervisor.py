"""The process supervisor of `manage.py run`, the demo and the tests.

It is our own because none of the maintained ones does what we need. honcho ends all programs
when one ends. circus (with pyzmq and tornado) and supervisord need a configuration file, a second
definition of what programs.py defines for Compose and systemd too, and leave their programs running
when they are killed. In production, Compose or systemd take its place.
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings
from django.core.management.base import CommandError

from mediapipe.operations.programs import Program

logger = logging.getLogger(__name__)

# SIGHUP: the terminal was closed.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# From <linux/prctl.h>. macOS has no such call: a killed supervisor's programs keep running.
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None

# A program that dies immediately is not restarted in a tight loop.
RESTART_PAUSE_S = 2.0
# After this the next program starts anyway: all of them retry what they depend on.
READY_TIMEOUT_S = 10.0


def handle_stop_signals(handler: Callable[..., None]) -> None:
    """Call `handler`, which must take no lock, on SIGINT, SIGTERM and SIGHUP.

    SIGHUP stays ignored under nohup. Further signals do not change the exit status.
    """
    for number in STOP_SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)
        # At exit Python would restore the default action, which kills the process.
        atexit.register(signal.signal, number, signal.SIG_IGN)


class Supervisor:
    """Starts programs in order, restarts those that exit, and stops all in reverse order.

    With `log_dir` each program logs to a file there, else to this process's output. Entering it
    raises CommandError if a program cannot be started, after stopping those already started.
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
        # Not an Event: a signal handler that sets one waits for its lock forever if it interrupts
        # code that holds it, such as an earlier call of itself.
        self.stopping = False

    def stop_on_signals(self) -> None:
        """Let SIGINT, SIGTERM and SIGHUP set `stopping`."""
        handle_stop_signals(self._request_stop)

    def _request_stop(self, *_: object) -> None:
        self.stopping = True

    def __enter__(self) -> Self:
        try:
            for name in self.programs:
                if not self.stopping:
                    self._start_and_wait(name)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _start_and_wait(self, name: str) -> None:
        self.start(name)
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self.programs[name].is_ready():
            if self.stopping or time.monotonic() > deadline:
                return
            time.sleep(0.05)

    def start(self, name: str) -> None:
        """Start one program in its own session: Ctrl-C then reaches only the supervisor.

        The kernel terminates it when the calling thread ends, and so when the supervisor is killed.
        Raise CommandError if it cannot be started.
        """
        self.started_at[name] = time.monotonic()
        try:
            self.running[name] = self._spawn(name)
        except OSError as error:
            raise CommandError(f"Cannot start {name}: {error}.") from error
        logger.info("started %s (pid %d)", name, self.running[name].pid)

    def _spawn(self, name: str) -> subprocess.Popen[bytes]:
        program = self.programs[name]
        with ExitStack() as stack:
            output = None
            if self.log_dir:
                self.log_dir.mkdir(parents=True, exist_ok=True)
                output = stack.enter_context((self.log_dir / f"{name}.log").open("ab"))
            return subprocess.Popen(
                program.command,
                cwd=settings.BASE_DIR,
                env={**self.env, **program.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=partial(_terminate_with_parent, os.getpid()),
            )

    def watch(self) -> None:
        """Keep every program running until `stopping` is set."""
        while not self.stopping:
            for name in self.programs:
                self._restart_if_ended(name)
            time.sleep(0.2)

    def _restart_if_ended(self, name: str) -> None:
        # One that another thread is about to start is checked in the next round.
        process = self.running.get(name)
        status = process and process.poll()
        if status is None or time.monotonic() - self.started_at[name] < RESTART_PAUSE_S:
            return
        logger.error("%s exited with status %s; restarting", name, status)
        try:
            self.start(name)
        except CommandError as error:
            # Often temporary: no memory, a full disk, an upgrade in progress. It is tried again.
            logger.error("%s", error)

    def stop(self) -> None:
        """Terminate every program, the last started first, and wait for each."""
        self.stopping = True
        for name in reversed(self.running):
            self.end(name)

    def end(self, name: str) -> None:
        """Terminate one program and wait for it; kill its session after its grace period."""
        process = self.running[name]
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(self.programs[name].grace_s)
        except subprocess.TimeoutExpired:
            logger.error("%s did not exit in time; killing it", name)
            # With its children, which a killed gunicorn or broker command would leave behind.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        logger.info("%s has stopped", name)


def _terminate_with_parent(parent: int) -> None:
    """Ask the kernel for SIGTERM when the parent ends; runs between fork and exec."""
    if LIBC:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            # The parent ended before the call above.
            os._exit(1)
