"""RabbitMQ's quorum queues with delayed delivery, against classic ones and worker countdowns.

Both use the same server, with a virtual host and a worker each, and alternate. Each round publishes
messages without a countdown, then messages with one, all of them before the first is due.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from mediapipe.operations import programs
from mediapipe.operations.programs import Program
from tests.benchmarks import records, rig, usage

PART = "quorum"
TYPES = ("classic", "quorum")
QUEUE = "arrivals"
APP = "tests.benchmarks.arrivals"
# Per message. A message due before all are published would not measure the countdown.
SLOWEST_PUBLISHED_S = 0.01
SPREAD_S = 10.0
PATIENCE_S = 60.0
console = Console()


def main(arguments: list[str] | None = None) -> None:
    """Measure both types of queue, alternating."""
    parser = argparse.ArgumentParser(prog=f"tests.benchmarks {PART}", description=__doc__)
    parser.add_argument("--messages", type=int, default=2000, help="messages per run (2000)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    load_before = records.load()
    with ExitStack() as stack:
        sides = [stack.enter_context(Side(kind)) for kind in TYPES]
        rounds = []
        for _ in range(options.rounds):
            rounds.append({side.kind: side.measured(options.messages) for side in sides})
            console.print(rounds[-1])
    figures = {"messages": options.messages, "rounds": rounds}
    console.print(f"written to {records.write(PART, figures, load_before=load_before)}")


class Side:
    """A virtual host whose queues are of one type, and its worker."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.stack = ExitStack()

    def __enter__(self) -> Side:
        made = rig.rig("sqlite", "rabbitmq", QUEUE_TYPE=self.kind)
        self.rig = self.stack.enter_context(made)
        running = self.stack.enter_context(self.rig.running(_worker()))
        self.pid = running.running[QUEUE].pid
        rig.wait_for_log(self.rig, QUEUE, " ready.")
        return self

    def __exit__(self, *exception: object) -> None:
        self.stack.close()

    def measured(self, messages: int) -> dict[str, float]:
        """Return the figures of one round."""
        at_once = self._publish(messages, 0.0, 0.0)
        arrived = self._arrived(messages)
        done_s = max(ran for _, ran in arrived) - arrived[0][0]
        first_s = 5.0 + messages * SLOWEST_PUBLISHED_S
        before_mb = usage.rss_mb(self.pid)
        waiting = self._publish(messages, first_s, SPREAD_S)
        held_mb = usage.rss_mb(self.pid) - before_mb
        late_s = sorted(ran - due for due, ran in self._arrived(messages))
        return {
            "published_per_s": messages / at_once,
            "done_per_s": messages / done_s,
            "waiting_published_per_s": messages / waiting,
            "held_mb": held_mb,
            "early": sum(late < 0 for late in late_s),
            "late_p50_s": records.percentile(late_s, 0.5),
            "late_p99_s": records.percentile(late_s, 0.99),
        }

    def _publish(self, messages: int, first_s: float, spread_s: float) -> float:
        self.file = self.rig.folder / f"arrivals-{time.monotonic_ns()}"
        numbers = map(str, (messages, first_s, spread_s))
        command = [sys.executable, "-m", APP, QUEUE, str(self.file), *numbers]
        env = self.rig.env | {"DJANGO_SETTINGS_MODULE": "mediapipe.settings"}
        done = subprocess.run(
            command, cwd=records.ROOT, env=env, capture_output=True, text=True, check=True
        )
        return float(done.stdout)

    def _arrived(self, messages: int) -> list[tuple[float, float]]:
        """Wait for all messages; return when each was due and ran, without the first one."""
        deadline = time.monotonic() + PATIENCE_S + messages * SLOWEST_PUBLISHED_S
        # One more than counted: the first message opened the connection.
        while len(lines := _lines(self.file)) <= messages:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.kind}: {len(lines)} of {messages + 1} messages came.")
            time.sleep(0.1)
        pairs = (line.split() for line in lines)
        return sorted((float(due), float(ran)) for due, ran in pairs)[1:]


def _worker() -> Program:
    started = programs.worker(QUEUE)
    command = [APP if part == "mediapipe" else part for part in started.command]
    return replace(started, name=QUEUE, command=command)


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def section(run: records.Run) -> list[str]:
    """Return the section of docs/benchmarks.md about a run."""
    head = (
        "queues",
        "published /s",
        "published and completed /s",
        "published with a countdown /s",
        "worker memory while all wait",
        "late, p50 / p99",
    )
    return [
        f"{run['messages']} messages of a no-op task, on one RabbitMQ server. With",
        "`QUEUE_TYPE=quorum` RabbitMQ holds the countdowns, rounded up to whole seconds; with",
        "classic queues the worker does. With a single server there is no cost of replication.",
        "",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *(line(kind, [each[kind] for each in run["rounds"]]) for kind in TYPES),
    ]


def line(kind: str, rounds: Iterable[dict[str, Any]]) -> str:
    """Return the table row of one type of queue: the medians of its rounds."""
    each = list(rounds)
    of = {name: median(round_[name] for round_ in each) for name in each[0]}
    cells = (
        kind,
        f"{of['published_per_s']:.0f}",
        f"{of['done_per_s']:.0f}",
        f"{of['waiting_published_per_s']:.0f}",
        f"{of['held_mb']:+.0f} MB",
        f"{of['late_p50_s']:.2f} / {of['late_p99_s']:.2f} s",
    )
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
