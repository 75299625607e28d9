"""The command line of each program: one definition for run, Compose, systemd and the tests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings

from mediapipe.operations.tracing import python
from mediapipe.settings.queues import HOUSEKEEPING, MEDIA, QUEUES

# Quiet: its banner is no line of a log.
CELERY = ["-m", "celery", "--quiet", "-A", "mediapipe"]
# The memory that threads give back is used again by all of them. With an arena for each thread, as
# is the C library's way, ever more of it lies between them: 20 MB after 30,000 media.
ONE_ARENA = ["/usr/bin/env", "MALLOC_ARENA_MAX=1"]
# Its tasks are short, and some of them run for a minute: enough for all of them at once.
HOUSEKEEPING_CONCURRENCY = 4
# So many messages for each of its downloads does a worker of first attempts have at hand. What it
# has more than that, another worker could have begun.
PREFETCH_PER_THREAD = 4


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
        options += ["--prefetch-multiplier", str(PREFETCH_PER_THREAD)]
    if queues == (HOUSEKEEPING,):
        options += ["--concurrency", str(HOUSEKEEPING_CONCURRENCY)]
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
