"""Web, worker and beat as processes of their own, started together, restarted, stopped cleanly."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings

from mediapipe.queues import HOUSEKEEPING, MEDIA, QUEUES
from mediapipe.telemetry import python

logger = logging.getLogger(__name__)

# Quiet: its banner is no line of a log.
CELERY = ["-m", "celery", "--quiet", "-A", "mediapipe"]
# The memory that threads give back is used again by all of them. With an arena for each thread, as
# is the C library's way, ever more of it lies between them: 20 MB after 30,000 media.
ONE_ARENA = ["/usr/bin/env", "MALLOC_ARENA_MAX=1"]
# A program that dies at once is not started again in a tight loop.
RESTART_PAUSE_S = 2.0
# What is not ready by then is left to the programs that need it: they try again by themselves.
READY_S = 10.0
# Its tasks are short, and some of them run for a minute: enough for all of them at once.
HOUSEKEEPERS = 4
# So many messages for each of its downloads does a worker of first attempts have at hand. What it
# has more than that, another worker could have begun.
TAKEN_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Program:
    """A process to keep running; it gets `grace_s` seconds to end after SIGTERM.

    The programs after it are started when `is_ready` says so.
    """

    name: str
    command: Sequence[str]
    grace_s: float = 15.0
    is_ready: Callable[[], bool] = lambda: True


def broker() -> Program:
    """The embedded Valkey server, for machines that have no broker."""
    command = [sys.executable, "manage.py", "embedded_broker"]
    return Program("broker", command, is_ready=settings.EMBEDDED_BROKER_SOCKET.exists)


def web(bind: str) -> Program:
    """The webhooks and the admin; threads, so that a slow client holds up nobody else."""
    options = ["--bind", bind, "--workers", "2", "--threads", "4", "--worker-class", "gthread"]
    options += ["--logger-class", "mediapipe.logs.GunicornLogger"]
    return Program("web", [*python(), "-m", "gunicorn", *options, "mediapipe.wsgi"])


def worker(*names: str) -> Program:
    """A worker for the queues of these names, by default for all; SIGTERM lets it end its work.

    Where a queue has several of them on one host each has a number too: `media`, `media-2`.
    """
    queues = tuple(name.partition("-")[0] for name in names)
    options = ["--queues", ",".join(queues or QUEUES), "--without-gossip", "--without-mingle"]
    options += ["--loglevel", "INFO"]
    if names:
        # Of several workers on one host each needs a name of its own.
        options += ["--hostname", f"{'-'.join(names)}@%h"]
    if queues == (MEDIA,):
        options += ["--prefetch-multiplier", str(TAKEN_AHEAD)]
    if queues == (HOUSEKEEPING,):
        options += ["--concurrency", str(HOUSEKEEPERS)]
    return Program(
        "-".join(["worker", *names]),
        [*ONE_ARENA, *python(), *CELERY, "worker", *options],
        settings.MEDIA_TOTAL_TIMEOUT_S + 10,
    )


def workers() -> list[Program]:
    """The workers of one host: for each queue one, of first attempts so many as are configured."""
    more = [worker(f"{MEDIA}-{number}") for number in range(2, settings.WORKER_PROCESSES + 1)]
    return [*map(worker, QUEUES), *more]


def beat() -> Program:
    """The clock of the periodic tasks."""
    return Program("beat", [*python(), *CELERY, "beat", "--loglevel", "WARNING"])


def service(bind: str) -> list[Program]:
    """Return everything that a whole service needs, in the order of starting."""
    parts = [web(bind), *workers(), beat()]
    return [broker(), *parts] if settings.EMBEDDED_BROKER else parts


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
