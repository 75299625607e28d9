from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.progress import track

from mediapipe.failures import Failure
from mediapipe.management.arguments import add_period, filter_by_account, media_of_period
from mediapipe.models import MediaItem
from mediapipe.queueing.dispatch import dispatch
from mediapipe.settings.queues import RETRIES

BATCH = 500
SLUGS = sorted(failure.slug for failure in Failure.all())


class Command(BaseCommand):
    """Running it twice is harmless: items that are no longer failed are skipped."""

    help = "Retries failed media items, with a fresh schedule."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_period(parser)
        parser.add_argument("--status", choices=["failed"], default="failed")
        parser.add_argument("--error", choices=SLUGS, metavar="SLUG", help="only this failure")
        parser.add_argument("--account", metavar="SID", help="only this account")
        parser.add_argument(
            "--dry-run", action="store_true", help="print the count, change nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        media = filter_by_account(media_of_period(options).retryable(), options)
        if options["error"]:
            media = media.filter(error=options["error"])
        ids = list(media.order_by("pk").values_list("pk", flat=True))
        if options["dry_run"]:
            self.stdout.write(f"{len(ids)} media items would be retried.")
            return
        batches, count = range(0, len(ids), BATCH), 0
        console = Console(stderr=True)
        for start in track(batches, "retrying", console=console, disable=not ids):
            batch = MediaItem.objects.filter(pk__in=ids[start : start + BATCH])
            retried = batch.retry()
            dispatch(retried, RETRIES)
            count += len(retried)
        self.stdout.write(f"{count} media items were queued for retry.")
