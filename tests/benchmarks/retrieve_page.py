"""What the page of figures says about media a second and processor time a media."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from tests.benchmarks import records

BARE = "bare loop"
# A body of so many bytes is told in megabytes.
LARGE_BYTES = 1_000_000


def section(run: records.Run) -> list[str]:
    """Return what the page of figures says about a run."""
    workers = run["workers"]
    rates = ("body", "Twilio answers after", f"{BARE} /s", *(f"{name} /s" for name in workers))
    costs = ("body", "Twilio answers after", BARE, *workers)
    busy = max(each[BARE]["twilio_busy"] for one in run["runs"] for each in one["rounds"])
    return [
        *ABOUT,
        f"On {run['database']} and {run['broker']}, {run['media']} media a round of each (half",
        f"where a body is 5 MB), {run['concurrency']} at once. The Twilio was busy for {busy:.0%}",
        "of the time at most, on one core, so it is not what was measured.",
        "",
        "Media a second, and in brackets how that stands to the bare loop of the same round:",
        "",
        *table(rates, (rate_row(each, workers) for each in run["runs"])),
        "",
        "Processor seconds for 1000 media, without those of the database and the broker:",
        "",
        *table(costs, (cost_row(each, workers) for each in run["runs"])),
        "",
        "Memory of an idle worker after all that, what its processes share counted once: "
        + ", ".join(f"{name} {run['memory_mb'][name]:.0f} MB" for name in workers)
        + ".",
        *(f"**{name} did not come to an end: {why}**" for name, why in run["stalled"].items()),
    ]


ABOUT = """Everything is queued, then the clock runs until the last task has its result. All fetch
over HTTP from the same lean file server in a process of its own: the API redirects to another
origin, as Twilio does. (The simulator, which keeps a log and can misbehave, takes five times the
processor time for each.) They take turns in each round.

- *bare loop*: threads of one process, each with a `requests.Session`, that write each body to a
  file, 512 KiB at a time as ours does. No queue, no database, no check, no hash, no fsync.
- *two of threads*: our worker as `make run` starts it, two processes, but with half of the threads
  each, so that as many downloads go on at once as in the bare loop. Each medium is claimed, fetched
  from a checked address, hashed, sniffed, synced to the disk and recorded, with its attempt and the
  task's result.
- *threads*, *prefork*, *gevent*: the same in one process of threads and in Celery's other pools.
  With gevent each task is a greenlet that connects to the database and leaves it again.
- *plain*: the Celery task that people write first, with `requests.get`, `autoretry_for`,
  `retry_backoff` and the same result tables. It writes the file and keeps no row of the media: no
  claim, no attempt, no check, no hash, no fsync. Once as Celery starts it, prefork with a process
  for each core, and once with as many threads as ours has.
- *empty prefork*: a plain task that fetches nothing and creates an empty file, as Celery starts it:
  what Celery, the broker and the result tables take, whatever a task does.

Two processes of threads are the default for the memory, which a small machine has to pay whether
or not media comes. The threads of one share an interpreter, and much of its time goes into handing
that over; in prefork, a process for each download, nobody waits for an interpreter, but for a
processor that has sixteen of them to run.

""".splitlines()


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table of the page."""
    return ["| " + " | ".join(each) + " |" for each in (head, ["---"] * len(head), *rows)]


def rate_row(run: dict[str, Any], workers: Sequence[str]) -> list[str]:
    """Return the row of one size and answer time: media a second, and ratios."""
    cells = [f"{middle(run, name, 'rate'):.0f} ({ratio(run, name):.2f})" for name in workers]
    return [*name_of(run), f"{middle(run, BARE, 'rate'):.0f}", *cells]


def cost_row(run: dict[str, Any], workers: Sequence[str]) -> list[str]:
    """Return the row of one size and answer time: processor seconds."""
    costs = [f"{middle(run, name, 'cpu_s_per_1000'):.1f}" for name in (BARE, *workers)]
    return [*name_of(run), *costs]


def name_of(run: dict[str, Any]) -> list[str]:
    """Return size and answer time as a person writes them."""
    size = run["size"]
    body = f"{size / 1e6:g} MB" if size >= LARGE_BYTES else f"{size / 1e3:g} KB"
    return [body, f"{run['answer_ms']} ms"]


def middle(run: dict[str, Any], name: str, figure: str) -> float:
    """Return the median of a figure over the rounds."""
    return float(median(each[name][figure] for each in run["rounds"]))


def ratio(run: dict[str, Any], name: str) -> float:
    """Return how a worker's rate stands to the bare loop's: the median of the rounds' own."""
    return float(median(each[name]["rate"] / each[BARE]["rate"] for each in run["rounds"]))
