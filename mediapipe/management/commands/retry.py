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
        ids = self._chosen(options)
        if options["dry_run"]:
            self.stdout.write(f"{len(ids)} media items would be retried.")
            return
        batches = range(0, len(ids), BATCH)
        console = Console(stderr=True)
        retried = [
            len(self._retry(ids[start : start + BATCH]))
            for start in track(batches, "retrying", console=console, disable=not ids)
        ]
        self.stdout.write(f"{sum(retried)} media items were queued for retry.")

    def _chosen(self, options: dict[str, Any]) -> list[int]:
        media = media_of_period(options).retryable()
        if options["error"]:
            media = media.filter(error=options["error"])
        media = filter_by_account(media, options)
        return list(media.order_by("pk").values_list("pk", flat=True))

    def _retry(self, ids: list[int]) -> list[int]:
        retried = MediaItem.objects.filter(pk__in=ids).retry()
        dispatch(retried, RETRIES)
        return retried
