from argparse import SUPPRESS, ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from mediapipe.admin.text import counted
from mediapipe.management.arguments import (
    add_by,
    add_filters,
    filtered_media,
    in_batches,
    responsible_user,
)
from mediapipe.operations.manual_control import retry
from mediapipe.queueing.dispatch import dispatch
from mediapipe.settings.queues import RETRIES


class Command(BaseCommand):
    """Running it twice is harmless: items that are no longer failed are skipped."""

    help = "Retries failed media items, with a fresh schedule."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_filters(parser)
        add_by(parser)
        # Kept for existing scripts; waiting items can be retried in the admin.
        parser.add_argument("--status", choices=["failed"], default="failed", help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        media = filtered_media(options).retryable()
        ids = list(media.order_by("pk").values_list("pk", flat=True))
        if options["dry_run"]:
            self.stdout.write(f"{counted(len(ids), 'media item')} would be retried.")
            return
        user = None if options["by"] is None else responsible_user(options)
        count = 0
        for batch in in_batches(ids, "retrying"):
            retried = retry(batch.retryable(), user)
            dispatch(retried, RETRIES)
            count += len(retried)
        self.stdout.write(f"{counted(count, 'media item')} queued for retry.")
