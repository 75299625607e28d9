"""The memory of a worker: with 64 concurrent large bodies, and after thousands of small ones."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console

from mediapipe.operations import programs
from mediapipe.operations.programs import Program
from mediapipe.settings.queues import MEDIA
from tests.benchmarks import records, rig, twilio, usage
from tests.support import servers

PART = "memory"
WORKER = f"worker-{MEDIA}"
# All requests wait for their responses at the same time, so all bodies arrive together.
TOGETHER_MS = 3000
SMALL_BYTES = 2_000
# The worker's memory is read after each batch of this many stored media.
STEP = 1000
STALLED_S = 60.0
console = Console()


def main(arguments: list[str] | None = None) -> None:
    """Measure both."""
    options = parsed(arguments)
    load_before = records.load()
    api, cdn = servers.free_port(), servers.free_port()
    env = {
        "TWILIO_API_HOSTS": f"http://{twilio.API_HOST}:{api}",
        "MEDIA_REDIRECT_HOSTS": f"{twilio.CDN_HOST}:{cdn}",
        "MEDIA_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    command = [sys.executable, "-m", "tests.benchmarks.twilio", str(api), str(cdn)]
    with rig.rig("postgresql", options.broker, **env) as made:
        rig.use(made.env)
        with made.running(Program("twilio", command)):
            servers.wait_for_port(api)
            figures = {
                "broker": options.broker,
                "large": streamed(made, api, options),
                "small": stored(made, api, options),
            }
    file = records.write(PART, figures, load_before=load_before)
    console.print("\n".join(section(figures)), highlight=False)
    console.print(f"written to {file}")


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Read the sizes from the command line."""
    parser = argparse.ArgumentParser(prog=f"tests.benchmarks {PART}", description=__doc__)
    parser.add_argument("--at-once", type=int, default=64, help="large bodies (64)")
    parser.add_argument("--megabytes", type=int, default=50, help="of each of them (50)")
    parser.add_argument("--items", type=int, default=100_000, help="small bodies (100000)")
    parser.add_argument("--minutes", type=float, default=8.0, help="but no longer than this (8)")
    parser.add_argument("--broker", choices=rig.BROKERS, default="rabbitmq")
    return parser.parse_args(arguments)


@contextmanager
def worker(made: rig.Rig, **env: str) -> Iterator[int]:
    """Run the worker of the first attempts; yield its PID."""
    from tests.benchmarks.stored import Stored

    with made.running(programs.worker(MEDIA), **env) as supervisor:
        rig.wait_for_log(made, WORKER, "ready.")
        yield supervisor.running[WORKER].pid
    (made.folder / "logs" / f"{WORKER}.log").unlink()
    Stored.forget()


def streamed(made: rig.Rig, port: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return the memory of a worker that stores this many large bodies concurrently."""
    from tests.benchmarks.stored import Stored

    with worker(made, WORKER_CONCURRENCY=str(options.at_once)) as pid:
        media = Stored(port)
        idle_mb = usage.rss_mb(pid)
        media.store(options.at_once, options.megabytes * 10**6, TOGETHER_MS, STALLED_S)
        return {
            "bodies": options.at_once,
            "megabytes": options.megabytes,
            "at_once": media.max_concurrent(),
            "idle_mb": idle_mb,
            "peak_mb": usage.peak_rss_mb(pid),
        }


def stored(made: rig.Rig, port: int, options: argparse.Namespace) -> list[dict[str, float]]:
    """Return the memory of a worker after every STEP small bodies, until the time is up."""
    from tests.benchmarks.stored import Stored

    until = time.monotonic() + 60 * options.minutes
    with worker(made) as pid:
        media, seen = Stored(port), []
        for count in range(STEP, options.items + 1, STEP):
            media.store(STEP, SMALL_BYTES, 0, STALLED_S)
            seen.append({"items": count, "rss_mb": usage.rss_mb(pid)})
            if time.monotonic() > until:
                break
        return seen


def section(run: records.Run) -> list[str]:
    """Return the section of docs/benchmarks.md about a run."""
    large, small = run["large"], run["small"]
    first, last = small[0], small[-1]
    most = max(each["rss_mb"] for each in small)
    return [
        f"One worker on PostgreSQL and {run['broker']}, as `make run` starts it. Memory is the",
        "resident set size (RSS).",
        "",
        "| worker | memory MB |",
        "|---|---|",
        f"| {large['bodies']} threads, idle | {large['idle_mb']:.0f} |",
        f"| peak of {large['bodies']} bodies of {large['megabytes']} MB,"
        f" {large['at_once']} concurrent | {large['peak_mb']:.0f} |",
        f"| 16 threads, after {first['items']:,} items of 2 KB | {first['rss_mb']:.0f} |",
        f"| after {last['items']:,} | {last['rss_mb']:.0f} |",
        f"| maximum in between | {most:.0f} |",
        "",
        f"After {last['items']:,} items it has {last['rss_mb'] / first['rss_mb']:.2f} times what it"
        f" had after {first['items']:,}.",
    ]


if __name__ == "__main__":
    main()
