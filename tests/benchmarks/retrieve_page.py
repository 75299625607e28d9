"""The section of docs/benchmarks.md on items per second and CPU time per item."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from tests.benchmarks import records

BARE = "bare loop"
DURABLE = "bare loop, hashed and synced"
# Bodies of at least this size are shown in megabytes.
LARGE_BYTES = 1_000_000


def section(run: records.Run) -> list[str]:
    """Return the section of docs/benchmarks.md about a run."""
    workers = [DURABLE, *run["workers"]]
    rates = ("body", "response after", f"{BARE} /s", *(f"{name} /s" for name in workers))
    costs = ("body", "response after", BARE, *workers)
    busy = max(each[BARE]["twilio_busy"] for one in run["runs"] for each in one["rounds"])
    return [
        *ABOUT,
        f"On {run['database']} and {run['broker']}, {run['media']} items per worker and round",
        f"(half of that for bodies of 5 MB), {run['concurrency']} concurrent. The file server",
        f"used at most {busy:.0%} of one core, so it was not the bottleneck.",
        "",
        "Items per second, and in brackets the ratio to the bare loop of the same round:",
        "",
        *table(rates, (rate_row(each, workers) for each in run["runs"])),
        "",
        "CPU seconds per 1000 items, without those of the database and the broker:",
        "",
        *table(costs, (cost_row(each, workers) for each in run["runs"])),
        "",
        "Memory of an idle worker afterwards, pages shared by its processes counted once: "
        + ", ".join(f"{name} {run['memory_mb'][name]:.0f} MB" for name in run["workers"])
        + ".",
        *(f"**{name} did not finish: {why}**" for name, why in run["stalled"].items()),
    ]


ABOUT = """Everything is queued, then the clock runs until the last task has its result. All workers
fetch over HTTP from the same lean file server in a separate process: the API redirects to another
origin, as Twilio does. (The simulator, which logs every request and can inject faults, needs five
times the CPU time per request.) The workers alternate in each round.

- *bare loop*: threads of one process, each with a `requests.Session`, that write each body to a
  file, 512 KiB at a time as the service does. No queue, database, checks, hash or fsync.
- *bare loop, hashed and synced*: the same with a SHA-256 and an fsync of each file, as the service
  does, and nothing else: what bounds large bodies.
- *two of threads*: two worker processes, as `make run` starts them, but each with half of the
  threads, so that the number of concurrent downloads equals the bare loop's. Each item is claimed,
  fetched from a checked address, hashed, sniffed, synced to disk and recorded, with its attempt and
  the task's result.
- *threads*, *prefork*, *gevent*: the same in one process of threads and in Celery's other pools.
  With gevent each task is a greenlet with its own short-lived database connection.
- *plain*: a typical first Celery task, with `requests.get`, `autoretry_for`, `retry_backoff` and
  the same result tables. It writes the file and keeps no row per item: no claim, attempt, checks,
  hash or fsync. Once as Celery starts it, prefork with one process per core, and once with as many
  threads as the service uses.
- *empty prefork*: a plain task that fetches nothing and creates an empty file, as Celery starts it:
  the cost of Celery, the broker and the result tables alone.

Two processes of threads are the default because of their memory, which a small machine needs even
while no media arrives. Threads of one process contend for the interpreter lock; with prefork, one
process per download, sixteen processes contend for the processors instead.

""".splitlines()


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    return ["| " + " | ".join(each) + " |" for each in (head, ["---"] * len(head), *rows)]


def rate_row(run: dict[str, Any], workers: Sequence[str]) -> list[str]:
    """Return the row of one size and response time: media per second, and ratios."""
    cells = [f"{median_of(run, name, 'rate'):.0f} ({ratio(run, name):.2f})" for name in workers]
    return [*name_of(run), f"{median_of(run, BARE, 'rate'):.0f}", *cells]


def cost_row(run: dict[str, Any], workers: Sequence[str]) -> list[str]:
    """Return the row of one size and response time: CPU seconds per 1000 media."""
    costs = [f"{median_of(run, name, 'cpu_s_per_1000'):.1f}" for name in (BARE, *workers)]
    return [*name_of(run), *costs]


def name_of(run: dict[str, Any]) -> list[str]:
    """Return the size and the response time with units."""
    size = run["size"]
    body = f"{size / 1e6:g} MB" if size >= LARGE_BYTES else f"{size / 1e3:g} KB"
    return [body, f"{run['answer_ms']} ms"]


def median_of(run: dict[str, Any], name: str, figure: str) -> float:
    """Return the median of a figure over the rounds."""
    return float(median(each[name][figure] for each in run["rounds"]))


def ratio(run: dict[str, Any], name: str) -> float:
    """Return the ratio of a worker's rate to the bare loop's: the median of the rounds' ratios."""
    return float(median(each[name]["rate"] / each[BARE]["rate"] for each in run["rounds"]))
