"""The workers that fetch the same media in turn, each from its own queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mediapipe.operations import programs
from mediapipe.operations.programs import Program
from mediapipe.settings.queues import MEDIA

# The default of WORKER_CONCURRENCY.
CONCURRENCY = 16
PLAIN, GEVENT_APP = "tests.benchmarks.plain_task", "tests.benchmarks.gevent_app"
PREFORK_APP = "tests.benchmarks.prefork_app"


@dataclass(frozen=True)
class Worker:
    """One way to run tasks: number of processes, type of pool, and its concurrency."""

    name: str
    pool: str
    app: str = "mediapipe"
    # The task of plain_task.py that it runs instead of ours.
    plain: str = ""
    processes: int = 1
    # None: Celery's default, the number of cores.
    concurrency: int | None = CONCURRENCY

    @property
    def ours(self) -> bool:
        """Whether it runs our task rather than the plain one."""
        return not self.plain

    @property
    def queue(self) -> str:
        """The queue that only this worker consumes."""
        return self.name.replace(" ", "-")

    @property
    def programs(self) -> list[Program]:
        """How it is started: like the service's own worker, apart from pool and app."""
        started = programs.worker(MEDIA)
        ours = {"mediapipe": self.app, MEDIA: self.queue}
        command = [ours.get(part, part) for part in started.command]
        command += ["--pool", self.pool]
        if self.concurrency:
            command += ["--concurrency", str(self.concurrency)]
        # Needed to fill a worker's queue before it consumes it.
        command += ["--", "worker.enable_remote_control=true"]
        return [
            replace(
                started,
                name=name,
                command=[*command[:-2], "--hostname", f"{name}@bench", *command[-2:]],
            )
            for name in self.names
        ]

    @property
    def names(self) -> list[str]:
        """The name of each process."""
        return [f"{self.queue}-{number}" for number in range(self.processes)]

    @property
    def hosts(self) -> list[str]:
        """The names under which Celery's remote control knows them."""
        return [f"{name}@bench" for name in self.names]


WORKERS = (
    Worker("two of threads", "threads", processes=2, concurrency=CONCURRENCY // 2),
    Worker("threads", "threads"),
    Worker("prefork", "prefork", PREFORK_APP),
    Worker("gevent", "gevent", GEVENT_APP),
    Worker("plain prefork", "prefork", PLAIN, "fetch", concurrency=None),
    Worker("plain threads", "threads", PLAIN, "fetch"),
    Worker("empty prefork", "prefork", PLAIN, "touch", concurrency=None),
)


def chosen(names: Sequence[str]) -> list[Worker]:
    """Return the workers with these names."""
    return [worker for worker in WORKERS if worker.name in names]
