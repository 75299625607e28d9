from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from mediapipe.management.arguments import add_filters, filtered_media, in_batches
from mediapipe.queueing.dispatch import dispatch
from mediapipe.settings.queues import RETRIES


class Command(BaseCommand):
    """Running it twice is harmless: items that are no longer failed are skipped."""

    help = "Retries failed media items, with a fresh schedule."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_filters(parser)
        parser.add_argument("--status", choices=["failed"], default="failed")

    def handle(self, *args: Any, **options: Any) -> None:
        media = filtered_media(options).retryable()
        ids = list(media.order_by("pk").values_list("pk", flat=True))
        if options["dry_run"]:
            self.stdout.write(f"{len(ids)} media items would be retried.")
            return
        count = 0
        for batch in in_batches(ids, "retrying"):
            retried = batch.retry()
            dispatch(retried, RETRIES)
            count += len(retried)
        self.stdout.write(f"{count} media items were queued for retry.")
