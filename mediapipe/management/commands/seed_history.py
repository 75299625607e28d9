import random
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mediapipe.management.arguments import moment
from mediapipe.management.seed_history.arrivals import arrivals
from mediapipe.management.seed_history.rows import Rows
from mediapipe.models import MediaItem

BATCH = 2000


class Command(BaseCommand):
    """For trying the admin out, for benchmarks and pictures; its accounts do not exist at Twilio,
    so a worker fetches nothing of it.
    """

    help = "Fills an empty database with a made-up history of webhooks, media and attempts."
    # It asks for nothing of Twilio's, and its accounts are its own.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--media", type=count, required=True, help="how many media items")
        parser.add_argument("--days", type=count, default=30, help="over how many days (30)")
        parser.add_argument("--until", type=moment, help="when it ends, ISO 8601 (now)")
        parser.add_argument("--seed", type=int, default=7, help="another number, another history")
        parser.add_argument("--add", action="store_true", help="beside the media that is there")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["add"] and MediaItem.objects.exists():
            raise CommandError(
                "This database has media items already, and made-up ones among them would be hard "
                "to tell apart. Use another DATABASE_URL or DATA_DIR, or --add if you mean it."
            )
        until = options["until"] or timezone.now()
        with progress(options["media"]) as bar:
            for rows in self._batches(options, until):
                with transaction.atomic():
                    rows.save()
                bar.advance(bar.task_ids[0], len(rows.media))
        self._analyze()
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

    def _analyze(self) -> None:
        """Let the planner know what is there now, as autovacuum would after a while."""
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def count(text: str) -> int:
    """Return a number of things, of which there must be one at least."""
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is no number of things; write for example 10000.")
    return int(text)


def progress(total: int) -> Progress:
    """Return a bar for so many media items, on standard error."""
    columns = TextColumn("media"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    bar = Progress(*columns, console=Console(stderr=True))
    bar.add_task("media", total=total)
    return bar
