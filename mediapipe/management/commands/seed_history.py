import random
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from mediapipe.admin.text import counted
from mediapipe.management.arguments import TIME_FORMS, point_in_time
from mediapipe.management.progress import progress
from mediapipe.management.seed_history.arrivals import account_sids, arrivals
from mediapipe.management.seed_history.bulk_load import without_indexes
from mediapipe.management.seed_history.files import Files
from mediapipe.management.seed_history.other_rows import save_other_rows
from mediapipe.management.seed_history.rows import Rows
from mediapipe.models import FetchAttempt, HourlyCounts, MediaItem, WebhookEvent

BATCH = 2000
FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC)


class Command(BaseCommand):
    """For trying out the admin, benchmarks and screenshots.

    Workers fetch none of it, because its accounts do not exist at Twilio.
    """

    help = "Fills an empty database with a generated history for every page of the admin."
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
            help=f"end of the history: {TIME_FORMS} (default: now)",
        )
        parser.add_argument("--seed", type=int, default=7, help="seed of the random generator")
        parser.add_argument("--add", action="store_true", help="add media to an existing history")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["add"] and MediaItem.objects.exists():
            raise CommandError(
                "This database already has media items, from which generated ones would be hard to "
                "distinguish. Use another DATABASE_URL or DATA_DIR, or --add if you intend it."
            )
        until = options["until"] or timezone.now()
        if options["days"] >= (until - FIRST_DAY).days:
            raise CommandError("The history would begin before the year 1970.")
        # Rebuilding the indexes pays off only for empty tables.
        emptied = () if MediaItem.objects.exists() else (WebhookEvent, MediaItem, FetchAttempt)
        with transaction.atomic(), without_indexes(*emptied):
            self._write(options, until)
        if not options["add"]:
            save_other_rows(account_sids(rng_of(options)), until, rng_of(options))
        HourlyCounts.objects.update(counted_at=None)
        # Autovacuum would update the planner's statistics only later.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        self.stdout.write(f"{counted(options['media'], 'media item')} written.")

    def _write(self, options: dict[str, Any], until: datetime) -> None:
        columns = TextColumn("media"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        with progress(*columns) as bars:
            task = bars.add_task("media", total=options["media"])
            for rows in self._batches(options, until):
                rows.save()
                bars.advance(task, len(rows.media))

    def _batches(self, options: dict[str, Any], until: datetime) -> Iterator[Rows]:
        rng = rng_of(options)
        files = Files(options["media"], until)
        rows = Rows(files)
        webhooks = arrivals(options["media"], days=options["days"], until=until, rng=rng)
        for arrival in webhooks:
            rows.add(arrival, until, rng)
            if len(rows.media) >= BATCH:
                yield rows
                rows = Rows(files)
        yield rows


def rng_of(options: dict[str, Any]) -> random.Random:
    """Return a generator that makes the same history in each run."""
    return random.Random(options["seed"])  # noqa: S311


def positive_int(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is not a positive number; use one such as 10000.")
    return int(text)
