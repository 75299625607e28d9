import random
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mediapipe.management.arguments import TIME_FORMS, point_in_time
from mediapipe.management.seed_history.arrivals import arrivals
from mediapipe.management.seed_history.rows import Rows
from mediapipe.models import HourlyCounts, MediaItem

BATCH = 2000
FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC)


class Command(BaseCommand):
    """For trying out the admin, benchmarks and screenshots. Workers fetch none of it, because its
    accounts do not exist at Twilio."""

    help = "Fills an empty database with a made-up history of webhooks, media and attempts."
    # It needs no Twilio account: it makes up its own.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--media", type=positive_int, required=True, help="number of media items"
        )
        parser.add_argument(
            "--days",
            type=positive_int,
            default=30,
            help="length of the history in days (default: 30)",
        )
        parser.add_argument(
            "--until",
            type=point_in_time,
            metavar="TIME",
            help=f"its end: {TIME_FORMS} (default: now)",
        )
        parser.add_argument("--seed", type=int, default=7, help="seed of the random generator")
        parser.add_argument("--add", action="store_true", help="add to existing media")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["add"] and MediaItem.objects.exists():
            raise CommandError(
                "This database already has media items, and made-up ones would be hard to tell "
                "from them. Use another DATABASE_URL or DATA_DIR, or --add if you mean it."
            )
        until = options["until"] or timezone.now()
        if options["days"] >= (until - FIRST_DAY).days:
            raise CommandError("The history would begin before the year 1970.")
        with progress(options["media"]) as bar:
            for rows in self._batches(options, until):
                with transaction.atomic():
                    rows.save()
                bar.advance(bar.task_ids[0], len(rows.media))
        HourlyCounts.objects.update(counted_at=None)
        # Autovacuum would update the planner's statistics only after a while.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        self.stdout.write(f"{options['media']} media items were written.")

    def _batches(self, options: dict[str, Any], until: datetime) -> Iterator[Rows]:
        rng = random.Random(options["seed"])  # noqa: S311  (the same history at each run)
        rows = Rows()
        webhooks = arrivals(options["media"], days=options["days"], until=until, rng=rng)
        for arrival in webhooks:
            rows.add(arrival, until, rng)
            if len(rows.media) >= BATCH:
                yield rows
                rows = Rows()
        yield rows


def positive_int(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is not a positive number; use one such as 10000.")
    return int(text)


def progress(total: int) -> Progress:
    columns = TextColumn("media"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    bar = Progress(*columns, console=Console(stderr=True))
    bar.add_task("media", total=total)
    return bar
