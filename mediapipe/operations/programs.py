"""The command line of each process: one definition for run, Compose, systemd and the tests."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from mediapipe.operations.tracing import python
from mediapipe.settings.queues import HOUSEKEEPING, MEDIA, QUEUES

# Quiet: the banner would not be a valid log line.
CELERY = ["-m", "celery", "--quiet", "-A", "mediapipe"]
# By default glibc gives each thread an arena, and memory that one thread frees is not reused by the
# others: a worker grew by 20 MB in 30,000 media. With one arena it does not.
MALLOC_ARENA_MAX = {"MALLOC_ARENA_MAX": "1"}
# Most housekeeping tasks are short, a few run for a minute: enough for all that run at once.
HOUSEKEEPING_CONCURRENCY = 4
# For workers of first attempts: a task that one worker has prefetched and cannot start soon could
# already be running in another.
PREFETCH_PER_THREAD = 4


@dataclass(frozen=True, slots=True)
class Program:
    """A process to keep running; it has `grace_s` seconds to exit after SIGTERM.

    `env` is added to the environment. The programs after it are started once `is_ready` is true.
    """

    name: str
    command: Sequence[str]
    grace_s: float = 15.0
    is_ready: Callable[[], bool] = lambda: True
    env: Mapping[str, str] = field(default_factory=dict)


def broker() -> Program:
    """Return the embedded Valkey server, for machines without a broker."""
    command = [sys.executable, "manage.py", "embedded_broker"]
    return Program("broker", command, is_ready=lambda: accepts(settings.EMBEDDED_BROKER_SOCKET))


def accepts(path: Path) -> bool:
    """Return whether a server listens on this socket; a killed one leaves its file behind."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def web(bind: str) -> Program:
    """Return the web server; none of its threads waits for a client's bytes."""
    options = ["--bind", bind, "--workers", "2", "--threads", "4"]
    options += ["--worker-class", "mediapipe.operations.web_worker.BufferingWorker"]
    # Gunicorn's control socket would be a file in the home directory, shared by a user's instances.
    options += ["--logger-class", "mediapipe.logs.GunicornLogger", "--no-control-socket"]
    command = [*python(), "-m", "gunicorn", *options, "mediapipe.wsgi"]
    # Longer than gunicorn's graceful timeout of 30 s.
    return Program("web", command, grace_s=35.0)


def worker(*names: str) -> Program:
    """Return a worker for these queues, by default for all; on SIGTERM it finishes its tasks.

    A number distinguishes several workers for one queue on a host: `media`, `media-2`.
    """
    queues = tuple(name.partition("-")[0] for name in names)
    options = ["--queues", ",".join(queues or QUEUES), "--without-gossip", "--without-mingle"]
    # Celery's heartbeat is an event that the event loop publishes. While the broker is down, that
    # would block the loop and be retried forever.
    options += ["--without-heartbeat", "--loglevel", "INFO"]
    if names:
        # Workers on one host need unique names: heartbeats and leases are recorded by name.
        options += ["--hostname", f"{'-'.join(names)}@%h"]
    if queues == (MEDIA,):
        options += ["--prefetch-multiplier", str(PREFETCH_PER_THREAD)]
    if queues == (HOUSEKEEPING,):
        options += ["--concurrency", str(HOUSEKEEPING_CONCURRENCY)]
    return Program(
        "-".join(["worker", *names]),
        [*python(), *CELERY, "worker", *options],
        settings.MEDIA_TOTAL_TIMEOUT_S + 10,
        env=MALLOC_ARENA_MAX,
    )


def workers() -> list[Program]:
    """Return the workers of one host: one per queue, and WORKER_PROCESSES for first attempts."""
    more = [worker(f"{MEDIA}-{number}") for number in range(2, settings.WORKER_PROCESSES + 1)]
    return [*map(worker, QUEUES), *more]


def beat() -> Program:
    """Return the scheduler of the periodic tasks; there must be exactly one."""
    return Program("beat", [*python(), *CELERY, "beat", "--loglevel", "WARNING"])


def service(bind: str) -> list[Program]:
    """Return all programs of a service on one host, in start order."""
    programs = [web(bind), *workers(), beat()]
    return [broker(), *programs] if settings.EMBEDDED_BROKER else programs
