"""What a webhook, a claim, a sweep and pages of the admin cost in a small and a large database.

Each database has a history of a different size and its own process. The same work is done in each
in turn, so that other load on the machine slows all of them down.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing import get_context
from statistics import fmean, median

from rich.console import Console

from tests.benchmarks import records, rig
from tests.support import servers

PART = "growth"
MEDIA = (10_000, 100_000, 1_000_000)
# These have a limit; the pages are only reported.
BOUNDED = ("acknowledge", "claim", "sweep")
ALLOWED = 1.3
# Filling in a million media items takes some minutes.
FILL_TIMEOUT_S = 3600
BUSIEST = "SELECT account_sid FROM mediapipe_mediaitem GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
console = Console()

Figures = dict[str, dict[str, float]]


def main(arguments: list[str] | None = None) -> None:
    """Fill the databases, and measure them in turn."""
    options = parsed(arguments)
    load_before = records.load()
    with ExitStack() as stack:
        databases = [stack.enter_context(seeded(media)) for media in options.media]
        databases += [stack.enter_context(copied(name)) for name in options.copy_of]
        sizes = [database.submit(rows).result() for database in databases]
        # The first round opens connections, prepares statements and fills caches.
        rounds = [round_of(databases, options.times) for _ in range(options.rounds + 1)][1:]
    figures = {"sizes": sizes, "times": options.times, "rounds": rounds}
    console.print("\n".join(table(figures)))
    console.print(f"written to {records.write(PART, figures, load_before=load_before)}")


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Read the sizes from the command line, the smallest first."""
    parser = argparse.ArgumentParser(prog=f"tests.benchmarks {PART}", description=__doc__)
    parser.add_argument("--media", type=int, nargs="*", default=MEDIA, help="media items in each")
    parser.add_argument(
        "--copy-of",
        nargs="*",
        default=(),
        metavar="DATABASE",
        help="local PostgreSQL databases that are filled already; copies of them are measured too",
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--times", type=int, default=100, help="each, per database and round (100)")
    return parser.parse_args(arguments)


@contextmanager
def seeded(media: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a process with a database that has a history of this many media items."""
    console.print(f"growth: filling a database with {media:,} media items")
    with rig.rig("postgresql", "memory") as made:
        made.manage("seed_history", "--media", str(media), timeout_s=FILL_TIMEOUT_S)
        with process(made) as database:
            yield database


@contextmanager
def copied(name: str) -> Iterator[ProcessPoolExecutor]:
    """Yield a process with a copy of a filled database."""
    console.print(f"growth: copying the database {name}")
    with (
        servers.postgresql(template=name) as url,
        rig.rig("given", "memory", DATABASE_URL=url) as made,
        process(made) as database,
    ):
        yield database


@contextmanager
def process(made: rig.Rig) -> Iterator[ProcessPoolExecutor]:
    """Yield a process with Django on this rig's database, configured for its busiest account."""
    env = made.env | {
        "DJANGO_SETTINGS_MODULE": "mediapipe.settings",
        "TWILIO_ACCOUNT_SID": vacuumed(made.env["DATABASE_URL"]),
        # No worker consumes the messages, and the dispatcher publishes nothing to a full queue.
        "QUEUE_MAX_MESSAGES": "10000000",
    }
    spawn = get_context("spawn")
    with ProcessPoolExecutor(1, spawn, initializer=rig.use, initargs=(env,)) as database:
        yield database


def vacuumed(url: str) -> str:
    """Vacuum and analyse as autovacuum would; return the account with the most media items."""
    with servers.cursor(url) as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute(BUSIEST)
        ((account_sid,),) = cursor.fetchall()
        return str(account_sid)


def round_of(databases: list[ProcessPoolExecutor], times: int) -> list[Figures]:
    """Return what each kind of work costs in each database, measured one by one."""
    return [database.submit(measured, times).result() for database in databases]


def rows() -> int:
    """Return the number of media items."""
    from mediapipe.models import MediaItem

    return MediaItem.objects.count()


def measured(times: int) -> Figures:
    """Return what each kind of work costs in this process's database.

    Afterwards its new items are marked as stored, as workers would have done.
    """
    from mediapipe.models import MediaItem, Status
    from tests.benchmarks import growth_work as work

    work.count_hours()
    few = times // 10
    figures = {
        "acknowledge": timed([partial(work.acknowledge, work.webhook()) for _ in range(times)])
    }
    ids = work.waiting()
    figures["sweep"] = timed(
        [partial(work.sweep, least=len(ids))] * few, before=partial(work.make_due, ids)
    )
    figures["sweep, nothing due"] = timed([work.sweep] * few)
    figures["claim"] = timed([partial(work.claim, pk) for pk in ids])
    MediaItem.objects.filter(pk__in=ids).update(status=Status.STORED, sweep_at=None)
    for name, url in work.pages().items():
        figures[name] = timed([partial(work.visit, url)] * few)
    return figures


def timed(
    works: list[Callable[[], None]], before: Callable[[], None] = lambda: None
) -> dict[str, float]:
    """Return the median milliseconds and the mean CPU milliseconds of a piece of work.

    Also the median number of 8 KB blocks that PostgreSQL touched, which other load does not change.
    """
    from tests.benchmarks.admin_at_scale import cpu_s
    from tests.benchmarks.growth_work import blocks

    took_ms, worked_ms, touched = [], [], []
    counting = -(blocks() - blocks())
    for work in works:
        before()
        touched_before = blocks()
        busy, began = cpu_s(), time.perf_counter()
        work()
        took_ms.append(1000 * (time.perf_counter() - began))
        worked_ms.append(1000 * (cpu_s() - busy))
        touched.append(blocks() - touched_before - counting)
    return {"ms": median(took_ms), "cpu_ms": fmean(worked_ms), "blocks": median(touched)}


def growth(run: records.Run, work: str, size: int, figure: str) -> float:
    """Return the ratio of this work's cost in one database to that in the first.

    It is the median of the rounds' ratios.
    """
    ratios = [each[size][work][figure] / max(each[0][work][figure], 1e-9) for each in run["rounds"]]
    return float(median(ratios))


def table(run: records.Run) -> list[str]:
    """Return a row for each kind of work."""
    sizes = [f"{size:,}" for size in run["sizes"]]
    head = ["", *(f"ms at {size}" for size in sizes), *(f"{s} : {sizes[0]}" for s in sizes[1:])]
    head += ["processor", f"blocks at {sizes[0]}", f"blocks at {sizes[-1]}"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for work in run["rounds"][0][0]:
        places = range(len(sizes))
        took = [f"{median(each[n][work]['ms'] for each in run['rounds']):.2f}" for n in places]
        grown = [f"{growth(run, work, n, 'ms'):.2f}" for n in places[1:]]
        worked = f"{growth(run, work, places[-1], 'cpu_ms'):.2f}"
        blocks = [
            f"{median(each[n][work]['blocks'] for each in run['rounds']):.0f}"
            for n in (places[0], places[-1])
        ]
        lines.append("| " + " | ".join([work, *took, *grown, worked, *blocks]) + " |")
    return lines


def section(run: records.Run) -> list[str]:
    """Return the section of docs/benchmarks.md about a run."""
    last = len(run["sizes"]) - 1
    over = [work for work in BOUNDED if growth(run, work, last, "ms") > ALLOWED]
    verdict = f"{', '.join(over)} took more." if over else "that holds."
    return [
        "The same work on PostgreSQL with a short and a long history, alternating: in",
        "milliseconds, and as a multiple of the time with the shortest history. `processor` is",
        "that multiple of the CPU time of Django and PostgreSQL, for the longest; a block is one",
        "of 8 KB that PostgreSQL touched, in its cache or not. A webhook is",
        "verified and recorded with its media item, a sweep (a run of the dispatcher)",
        f"publishes {run['times']} items, a claim opens an attempt, all for the account with the",
        "most items. The broker is in memory, so that its cost hides nothing. The overview",
        "is about the last 48 hours, a fixed share of the history, whose full hours are counted",
        "before, as in a running service.",
        f"The limit is {ALLOWED} for {', '.join(BOUNDED)}: {verdict}",
        "",
        *table(run),
    ]


if __name__ == "__main__":
    main()
