"""How long the pages of the admin take with a million media items, and what the database reads.

Run by `make bench`. Creates a database on the local PostgreSQL, unless --database names one that
is filled already. The figures go to var/bench/, with machine and date.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import django
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.benchmarks import records
from tests.support import servers

PART = "admin_at_scale"
MEDIA = 1_000_000
REPEATS = 3
OVERVIEW_MS, LIST_MS, TIMING_MS = 150.0, 300.0, 1000.0
# PostgreSQL rightly reads a table this small as a whole; counting a list may read as many rows.
SMALL_ROWS = 20_000
console = Console()


@dataclass
class Measured:
    """One page: its best time, its number of queries, and how the database finds the rows.

    `cpu_ms` is the CPU time of Django and PostgreSQL, which other load does not prolong.
    """

    page: str
    url: str
    best_ms: float
    cpu_ms: float
    allowed_ms: float | None
    queries: int
    scans: list[str] = field(default_factory=list)

    @property
    def slow(self) -> bool:
        return self.allowed_ms is not None and self.best_ms > self.allowed_ms


def main() -> int:
    """Measure every page; return 1 if one takes longer than allowed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--media", type=int, default=MEDIA)
    parser.add_argument("--database", help="the URL of a database that is filled already")
    options = parser.parse_args()
    load_before = records.load()
    with database(options.database) as url:
        set_up(url)
        if not options.database:
            fill(options.media)
        count_hours()
        results = [measure(*page) for page in track(pages(), "measuring", console=console)]
        console.print(report(results))
        write(results, load_before)
    return int(any(result.slow for result in results))


@contextmanager
def database(url: str | None) -> Iterator[str]:
    """Yield the URL of the database to measure on."""
    if url:
        yield url
        return
    with servers.postgresql() as own:
        yield own


def set_up(url: str) -> None:
    """Start Django on this database."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "mediapipe.settings",
        "DATABASE_URL": url,
        # The overview checks whether the broker responds; this one does.
        "CELERY_BROKER_WRITE_URL": "memory://",
        "LOG_LEVEL": "ERROR",
    }
    os.environ.setdefault("DATA_DIR", str(records.FOLDER / "data"))
    django.setup()


def fill(media: int) -> None:
    """Generate the history, then vacuum and analyse it as autovacuum would."""
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    call_command("seed_history", media=media)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def count_hours() -> None:
    """Count the completed hours, as a running service does every minute."""
    # It imports models, and needs Django set up.
    from tests.benchmarks import growth_work

    growth_work.count_hours()


def pages() -> list[tuple[str, str, float | None]]:
    """Return name, URL and allowed milliseconds of each page."""
    from django.urls import reverse

    from mediapipe.models import MediaItem, WebhookEvent

    item = MediaItem.objects.select_related("event").order_by("-received_at")[1000]
    event = WebhookEvent.objects.order_by("received_at")[1000]
    failed = MediaItem.objects.failed().order_by("-received_at")[0]
    media, events = (
        reverse(f"admin:mediapipe_{m}_changelist") for m in ("mediaitem", "webhookevent")
    )
    same_account = MediaItem.objects.filter(account_sid=item.account_sid)
    # The furthest that an operator is expected to page, if there are that many rows.
    deep = min(150, same_account[:10_000].count() // 50)
    filters = (
        "",
        "status__exact=failed",
        "status__exact=stored",
        "early_404=yes",
        "early_404=no",
        "slower_than=300",
        "slower_than=30&period=7d",
        "waiting_longer_than=60",
        f"error__exact={failed.error}",
        f"account_sid__exact={item.account_sid}",
        "kind__exact=recording",
        "content_type__exact=application/pdf",
        "content_type__exact=text/vcard&status__exact=failed",
        "period=24h",
        "period=30d&status__exact=failed",
        f"p={deep}&account_sid__exact={item.account_sid}",
        f"q={item.media_sid}",
        f"q={item.event.subject_sid}",
        f"q={item.event.recipient}",
        f"q={item.event.sender}",
        f"q={item.media_url}",
    )
    event_filters = ("", "kind__exact=recording", "period=24h", f"q={event.subject_sid}")
    lists = [(f"media list ?{query}", f"{media}?{query}", LIST_MS) for query in filters]
    lists += [(f"event list ?{query}", f"{events}?{query}", LIST_MS) for query in event_filters]
    names = ("incident", "rejection", "accounthealth")
    lists += [(name, reverse(f"admin:mediapipe_{name}_changelist"), LIST_MS) for name in names]
    timing, failures = reverse("admin:timing"), reverse("admin:failures")
    return [
        ("overview", reverse("admin:index"), OVERVIEW_MS),
        *lists,
        ("media page", reverse("admin:mediapipe_mediaitem_change", args=[failed.pk]), LIST_MS),
        ("event page", reverse("admin:mediapipe_webhookevent_change", args=[event.pk]), LIST_MS),
        *((f"timing {name}", f"{timing}?period={name}", TIMING_MS) for name in ("1h", "24h", "7d")),
        ("timing 7d, messages", f"{timing}?period=7d&kind__exact=message", TIMING_MS),
        ("timing 30d", f"{timing}?period=30d", TIMING_MS),
        ("failures 7d", f"{failures}?period=7d", LIST_MS),
        ("failures 30d", f"{failures}?period=30d", LIST_MS),
    ]


def measure(page: str, url: str, allowed_ms: float | None) -> Measured:
    """Request the page REPEATS times, and the plan of each of its queries once."""
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(headers={"host": "localhost"})
    user, _ = User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)
    client.force_login(user)
    times, worked = [], []
    for _ in range(REPEATS):
        busy, began = cpu_s(), time.perf_counter()
        answer = client.get(url)
        times.append(1000 * (time.perf_counter() - began))
        worked.append(1000 * (cpu_s() - busy))
        if answer.status_code != 200:
            raise SystemExit(f"{page}: {url} answers {answer.status_code}")
    with CaptureQueriesContext(connection) as captured:
        client.get(url)
    queries = [query["sql"] for query in captured if query["sql"].startswith(("SELECT", "\n"))]
    scans = sorted({scan for sql in queries for scan in scans_of(plan_of(sql))})
    return Measured(page, url, min(times), min(worked), allowed_ms, len(captured), scans)


def cpu_s() -> float:
    """Return the CPU seconds of this process, and of its PostgreSQL backend if that runs here."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        stat = Path(f"/proc/{cursor.fetchone()[0]}/stat")
    if not stat.exists():
        return time.process_time()
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return time.process_time() + (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def plan_of(sql: str) -> dict[str, Any]:
    """Return PostgreSQL's plan of the query, with the actual row counts."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}".replace("%", "%%"), [])
        plan: dict[str, Any] = cursor.fetchone()[0][0]["Plan"]
    return plan


def scans_of(plan: dict[str, Any]) -> Iterator[str]:
    """Yield each scan of a table of ours, marked if it reads the whole of a large one."""
    if "Relation Name" in plan and plan["Relation Name"].startswith("mediapipe_"):
        read = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        whole = plan["Node Type"] == "Seq Scan" and read > SMALL_ROWS
        index = f" {plan['Index Name']}" if "Index Name" in plan else ""
        table = plan["Relation Name"].removeprefix("mediapipe_")
        yield f"{'WHOLE TABLE: ' if whole else ''}{plan['Node Type']} {table}{index}"
    for child in plan.get("Plans", []):
        yield from scans_of(child)


def report(results: list[Measured]) -> Table:
    """Return the figures as a table."""
    table = Table(
        "page",
        f"best of {REPEATS}",
        "cpu",
        "allowed",
        "queries",
        "reads whole tables",
        title=records.machine(),
    )
    for result in results:
        whole = [scan for scan in result.scans if scan.startswith("WHOLE")]
        allowed = f"{result.allowed_ms:.0f} ms" if result.allowed_ms else "-"
        style = "red" if result.slow else None
        best = f"{result.best_ms:.0f} ms"
        cpu = f"{result.cpu_ms:.0f} ms"
        cells = (result.page, best, cpu, allowed, str(result.queries), "\n".join(whole) or "no")
        table.add_row(*cells, style=style)
    return table


def write(results: list[Measured], load_before: float) -> None:
    """Write the figures to var/bench/."""
    from mediapipe.models import FetchAttempt, MediaItem, WebhookEvent

    rows = {
        model.__name__: model._default_manager.count()
        for model in (MediaItem, FetchAttempt, WebhookEvent)
    }
    figures = {"rows": rows, "pages": [*map(asdict, results)]}
    file = records.write(PART, figures, load_before=load_before)
    console.print(f"{rows}, written to {file}")


def section(run: records.Run) -> list[str]:
    """Return the section of docs/benchmarks.md about a run."""
    rows = ", ".join(f"{count:,} {name}" for name, count in run["rows"].items())
    table = [
        f"| {page['page']} | {page['best_ms']:.0f} | {page['cpu_ms']:.0f} | {page['queries']} |"
        for page in run["pages"]
    ]
    return [
        f"The pages of the admin on PostgreSQL with these rows: {rows}.",
        "All full hours are counted, as in a running service.",
        f"Best of {REPEATS} requests, and the CPU time of Django and PostgreSQL, in milliseconds.",
        "",
        "| page | best ms | CPU ms | queries |",
        "|---|---|---|---|",
        *table,
    ]


if __name__ == "__main__":
    raise SystemExit(main())
