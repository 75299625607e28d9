"""Items per second and CPU time per item: our worker, a plain task, and a bare loop of requests.

All fetch bodies of the same size from the same two origins, one after the other in each round, so
that other load on the machine slows all of them down. Everything is queued before the clock
starts; it stops when the last task has its result.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

from rich.console import Console

from mediapipe.operations.programs import Program
from mediapipe.operations.supervisor import Supervisor
from tests.benchmarks import records, rig, twilio, usage
from tests.benchmarks.retrieve_page import BARE, DURABLE, LARGE_BYTES, section
from tests.benchmarks.workers import CONCURRENCY, WORKERS, Worker, chosen
from tests.support import servers

PART = "retrieve"
SIZES = (5_000, 50_000, 5_000_000)
ANSWERS_MS = (0, 100)
# Large bodies are fewer by this factor, or the disk would be what is measured.
LARGE_SHARE = 2
# A worker without progress for this long will not finish.
STALLED_S = 20.0
console = Console()

Figures = dict[str, float]


def main(arguments: list[str] | None = None) -> None:
    """Measure each size and response time on one database and broker."""
    options = parsed(arguments)
    load_before = records.load()
    with bench(options) as measured:
        runs = [measured.run(*each) for each in product(options.sizes, options.answers_ms)]
        memory = {worker.name: measured.memory_mb(worker) for worker in measured.workers}
    figures = {
        "database": options.database,
        "broker": options.broker,
        "concurrency": CONCURRENCY,
        "media": options.media,
        "workers": [worker.name for worker in measured.workers],
        "stalled": measured.stalled,
        "memory_mb": memory,
        "runs": runs,
    }
    file = records.write(PART, figures, load_before=load_before)
    console.print("\n".join(section(figures)), highlight=False)
    console.print(f"written to {file}")


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Read the sizes from the command line."""
    names = [worker.name for worker in WORKERS]
    parser = argparse.ArgumentParser(prog=f"tests.benchmarks {PART}", description=__doc__)
    parser.add_argument("--media", type=int, default=300, help="per worker and round (300)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="bytes")
    parser.add_argument("--answers-ms", nargs="+", type=int, default=ANSWERS_MS)
    parser.add_argument("--workers", nargs="+", choices=names, default=names)
    parser.add_argument("--database", choices=rig.DATABASES, default="postgresql")
    parser.add_argument("--broker", choices=("rabbitmq", "redis"), default="rabbitmq")
    return parser.parse_args(arguments)


@contextmanager
def bench(options: argparse.Namespace) -> Iterator[Bench]:
    """Yield a bench with a simulated Twilio and idle workers, on its own database and broker."""
    api, cdn = servers.free_port(), servers.free_port()
    env = {
        "TWILIO_API_HOSTS": f"http://{twilio.API_HOST}:{api}",
        "MEDIA_REDIRECT_HOSTS": f"{twilio.CDN_HOST}:{cdn}",
        "MEDIA_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    workers = chosen(options.workers)
    command = [sys.executable, "-m", "tests.benchmarks.twilio", str(api), str(cdn)]
    with rig.rig(options.database, options.broker, **env) as made:
        # Before any setting is read, which would come from the environment outside the rig.
        rig.use(made.env)
        programs = [each for worker in workers for each in worker.programs]
        with made.running(Program("twilio", command), *programs) as supervisor:
            servers.wait_for_port(api)
            for program in programs:
                rig.wait_for_log(made, program.name, "ready.")
            measured = Bench(made, supervisor, workers, api, options)
            measured.warm_up()
            yield measured


class Bench:
    """The contestants of one database and broker."""

    def __init__(
        self,
        made: rig.Rig,
        supervisor: Supervisor,
        workers: list[Worker],
        api_port: int,
        options: argparse.Namespace,
    ) -> None:
        from tests.benchmarks.backlog import Backlog

        self.made, self.supervisor, self.workers = made, supervisor, workers
        self.api_port, self.options = api_port, options
        self.stalled: dict[str, str] = {}
        self.folder = made.folder / "plain"
        self.backlog = Backlog(self.folder)

    def warm_up(self) -> None:
        """Open connections, start threads and fill caches before anything is measured."""
        for worker in list(self.workers):
            self.fetched(worker, self.urls(4 * CONCURRENCY, SIZES[0], 0))

    def run(self, size: int, answer_ms: int) -> dict[str, Any]:
        """Return the rounds of one size and response time."""
        rounds = [self.round(size, answer_ms) for _ in range(self.options.rounds)]
        console.print(f"{size} bytes after {answer_ms} ms", rounds[-1], highlight=False)
        return {"size": size, "answer_ms": answer_ms, "rounds": rounds}

    def round(self, size: int, answer_ms: int) -> dict[str, Figures]:
        """Return the figures of each contestant, measured one after the other."""
        count = self.options.media // (LARGE_SHARE if size >= LARGE_BYTES else 1)
        figures = {
            BARE: self.bare(self.urls(count, size, answer_ms)),
            DURABLE: self.bare(self.urls(count, size, answer_ms), "--durable"),
        }
        for worker in list(self.workers):
            if took := self.fetched(worker, self.urls(count, size, answer_ms)):
                figures[worker.name] = took
        return figures

    def urls(self, count: int, size: int, answer_ms: int) -> list[str]:
        """Return the URLs of media not fetched before."""
        return [twilio.media_url(self.api_port, size, answer_ms) for _ in range(count)]

    def bare(self, urls: list[str], *options: str) -> Figures:
        """Fetch with the bare loop; the figures include how busy the simulated Twilio was."""
        with self.emptied():
            before = usage.cpu_s(self.pid("twilio"))
            command = [sys.executable, "-m", "tests.benchmarks.bare_loop"]
            command += [str(self.folder), str(CONCURRENCY), *twilio.CREDENTIALS, *options]
            done = subprocess.run(
                command, input="\n".join(urls), cwd=records.ROOT, capture_output=True, text=True
            )
            done.check_returncode()
            self.check_files(len(urls))
        took = json.loads(done.stdout)
        busy = (usage.cpu_s(self.pid("twilio")) - before) / took["s"]
        return figures(len(urls), took["s"], took["cpu_s"]) | {"twilio_busy": busy}

    def fetched(self, worker: Worker, urls: list[str]) -> Figures | None:
        """Fetch with a worker; return None if it stalls, and stop it for all further rounds."""
        try:
            return self._fetched(worker, urls)
        except TimeoutError as error:
            console.print(worker.name, error, self.made.log(worker.names[0])[-2000:])
            self.stalled[worker.name] = str(error)
            self.workers.remove(worker)
            for name in worker.names:
                self.supervisor.end(name)
            return None

    def _fetched(self, worker: Worker, urls: list[str]) -> Figures:
        with self.emptied():
            self.backlog.publish(worker, urls)
            before = self.cpu_s(worker)
            began = time.perf_counter()
            self.backlog.release(worker)
            self.backlog.wait(STALLED_S)
            elapsed_s = time.perf_counter() - began
            took = figures(len(urls), elapsed_s, self.cpu_s(worker) - before)
            self.backlog.check(worker)
            self.check_files(len(urls))
        return took

    @contextmanager
    def emptied(self) -> Iterator[None]:
        """Begin and end without files; begin with everything synced to disk."""
        self.folder.mkdir()
        subprocess.run(["sync"], check=True)  # noqa: S607
        try:
            yield
        finally:
            for folder in self.folders():
                shutil.rmtree(folder, ignore_errors=True)

    def folders(self) -> list[Path]:
        """Return the folders in which files are stored."""
        return [self.folder, self.made.folder / "media"]

    def check_files(self, expected: int) -> None:
        """Raise AssertionError unless there are exactly this many files."""
        found = sum(path.is_file() for folder in self.folders() for path in folder.rglob("*"))
        assert found == expected, f"{found} files, expected {expected}"

    def pid(self, name: str) -> int:
        """Return the PID of a program."""
        return self.supervisor.running[name].pid

    def cpu_s(self, worker: Worker) -> float:
        """Return the CPU seconds that a worker has used."""
        return sum(usage.cpu_s(self.pid(name)) for name in worker.names)

    def memory_mb(self, worker: Worker) -> float:
        """Return the memory of a worker in MB; what its processes share is counted once."""
        return sum(usage.pss_mb(self.pid(name)) for name in worker.names)


def figures(count: int, elapsed_s: float, cpu_s: float) -> Figures:
    """Return the media per second, and the CPU seconds per 1000 media."""
    return {"rate": count / elapsed_s, "cpu_s_per_1000": 1000 * cpu_s / count}


if __name__ == "__main__":
    main()
