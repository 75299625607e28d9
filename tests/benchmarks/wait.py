"""A hundred thousand waiting items: memory, punctuality of the attempts, the cost of restarts.

Half of the items wait in the fast phase, half in the slow one, and they become due at a rate that
this machine can handle. Twilio returns 404 for each, so that all keep waiting. The broker is the
benchmark's own server.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console

from mediapipe.operations import programs
from mediapipe.operations.programs import Program
from mediapipe.operations.supervisor import Supervisor
from mediapipe.settings.queues import HOUSEKEEPING, RETRIES
from tests.benchmarks import brokers, records, rig, twilio, usage
from tests.support import servers

PART = "wait"
STAGES = ("undisturbed", "worker restarted", "broker restarted")
WORKER = f"worker-{RETRIES}"
# Time to attempt first what became due while the rows were written.
BACKLOG_S = 15.0
# A restart also delays what is due just before it, so that counts as its impact.
BEFORE_S = 5.0
# The service considers a message lost after a minute.
PATIENCE_S = 90.0
SETTINGS = {
    "MEDIA_ALLOWED_NETWORKS": "127.0.0.0/8",
    # Otherwise the fast phase would end before that many items have entered it.
    "RETRY_MAX_DELAY": "50m",
    "RETRY_FAST_WINDOW": "50m",
    # Requests for the metadata would make two requests per attempt.
    "METADATA_FROM_ATTEMPT": "0",
}
console = Console()


def main(arguments: list[str] | None = None) -> None:
    """Measure each broker, on PostgreSQL."""
    options = parsed(arguments)
    load_before = records.load()
    port = servers.free_port()
    env = SETTINGS | {"TWILIO_API_HOSTS": f"http://{twilio.API_HOST}:{port}"}
    command = [sys.executable, "-m", "tests.benchmarks.twilio", str(port), str(servers.free_port())]
    runs = []
    with rig.rig("postgresql", None, **env) as made:
        rig.use(made.env)
        with made.running(Program("twilio", command)):
            servers.wait_for_port(port)
            for broker in options.brokers:
                runs.append(measured(made, broker, port, options))
                console.print(line(runs[-1]), highlight=False)
    figures = {"items": options.items, "rate": options.rate, "messages": options.messages}
    file = records.write(PART, figures | {"runs": runs}, load_before=load_before)
    console.print(f"written to {file}")


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Read the sizes from the command line."""
    parser = argparse.ArgumentParser(prog=f"tests.benchmarks {PART}", description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=40.0, help="items due per second (40)")
    parser.add_argument("--seconds", type=float, default=60.0, help="per stage (60)")
    parser.add_argument(
        "--messages", type=int, default=10_000, help="fast ones that wait as messages (10000)"
    )
    parser.add_argument("--brokers", nargs="+", choices=rig.BROKERS, default=rig.BROKERS)
    return parser.parse_args(arguments)


def measured(made: rig.Rig, broker: str, port: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of one broker."""
    from tests.benchmarks.waiting import Waiting

    waiting = Waiting(options.items, options.rate, options.messages)
    with ExitStack() as stack:
        server = stack.enter_context(brokers.own(broker, made))
        started = [programs.worker(RETRIES), programs.worker(HOUSEKEEPING), programs.beat()]
        workers = stack.enter_context(made.running(*started))
        rig.wait_for_log(made, WORKER, "ready.")
        waiting.wait_for_sweep()
        due_from = waiting.seed(port)
        waiting.publish(made.env["CELERY_BROKER_URL"])
        sleep_until(max(due_from, now()) + timedelta(seconds=BACKLOG_S))
        stages = Stages(server, workers, options.seconds)
        ends = [now(), *(stages.run(name) for name in STAGES)]
        lost = waiting.settle(ends[-1], PATIENCE_S)
        spans = zip(STAGES, ends, ends[1:], strict=False)
        late = {name: waiting.punctuality(begin, end, BEFORE_S) for name, begin, end in spans}
        return {
            "broker": broker,
            "memory_mb": stages.memory_mb(),
            "stages": {name: asdict(each) for name, each in late.items()},
            "lost": lost,
            "gone": options.items - waiting.unfinished(),
        }


class Stages:
    """Runs the stages, and keeps each program's peak memory."""

    def __init__(self, server: Supervisor, workers: Supervisor, seconds: float) -> None:
        self.parts = {brokers.BROKER: server, WORKER: workers}
        self.seconds = seconds
        self.peaks_mb = dict.fromkeys(self.parts, 0.0)

    def run(self, name: str) -> datetime:
        """Run a stage; return its end."""
        end = now() + timedelta(seconds=self.seconds)
        restarts: dict[str, Callable[[], None]] = {
            "worker restarted": lambda: self.restart(WORKER),
            "broker restarted": lambda: self.restart(brokers.BROKER),
        }
        restarts.get(name, lambda: None)()
        sleep_until(end)
        return end

    def restart(self, name: str) -> None:
        """Stop a program as an administrator does, and start it again immediately."""
        self.record_memory(name)
        self.parts[name].end(name)
        self.parts[name].start(name)

    def record_memory(self, name: str) -> None:
        """Record the peak memory of a program, which is lost when it ends."""
        pid = self.parts[name].running[name].pid
        peak_mb = usage.peak_rss_mb(brokers.server(pid) if name == brokers.BROKER else pid)
        self.peaks_mb[name] = max(self.peaks_mb[name], peak_mb)

    def memory_mb(self) -> dict[str, float]:
        """Return the peak memory of each program in MB."""
        for name in self.parts:
            self.record_memory(name)
        return self.peaks_mb


def now() -> datetime:
    """Return the time, in UTC."""
    from django.utils import timezone

    return timezone.now()


def sleep_until(moment: datetime) -> None:
    """Sleep until this moment."""
    time.sleep(max(0.0, (moment - now()).total_seconds()))


def section(run: records.Run) -> list[str]:
    """Return the section of docs/benchmarks.md about a run."""
    head = (
        "broker",
        "worker MB",
        "broker MB",
        *(f"{name}: p50 / p99 / max s late" for name in STAGES),
        "worker restart: impact s",
        "broker restart: impact s",
        "lost",
    )
    return [
        f"{run['items']:,} items wait for their next attempt, half of them in the fast phase and",
        f"half in the slow one; {run['rate']:g} per second become due. Twilio returns 404 for",
        f"each, so all keep waiting. The fast phase lasts {SETTINGS['RETRY_FAST_WINDOW']} here,",
        "because 5 minutes are too short to fill it. Two workers (retries, housekeeping) and",
        f"beat, on PostgreSQL. {run['messages']:,} of the fast-phase items are countdowns in the",
        "worker, its limit; all others are rows. Lateness is the time from `next_attempt_at` to",
        "the start of the attempt. A restart is SIGTERM, wait for exit, start again. Its impact",
        "lasts until the last due item that was attempted more than 2 s late. Lost items were",
        f"due and not attempted within {PATIENCE_S:g} s. Memory is the peak of the process.",
        "",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *map(line, run["runs"]),
    ]


def line(run: dict[str, Any]) -> str:
    """Return the table row of one broker."""
    stages = run["stages"]
    cells = [
        run["broker"],
        f"{run['memory_mb'][WORKER]:.0f}",
        f"{run['memory_mb'][brokers.BROKER]:.0f}",
        *(lateness(stages[name]) for name in STAGES),
        *(f"{stages[name]['felt_s']:.1f}" for name in STAGES[1:]),
        f"{run['lost'] + run['gone']}",
    ]
    return "| " + " | ".join(cells) + " |"


def lateness(stage: dict[str, float]) -> str:
    """Return the cell about the attempts of one stage: p50, p99 and maximum in seconds."""
    return " / ".join(f"{stage[name]:.2f}" for name in ("p50_s", "p99_s", "max_s"))


if __name__ == "__main__":
    main()
