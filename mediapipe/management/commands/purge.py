from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import track

from mediapipe.failures import StorageFailed
from mediapipe.lifecycle import retention


class Command(BaseCommand):
    """Beat schedules the same every five minutes, so an interrupted run is completed there."""

    help = "Deletes what is older than the RETENTION_* settings allow."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="print the counts, delete nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for kind in retention.retention_rules():
            count = kind.count(timezone.now())
            if not options["dry_run"]:
                count = self._purge(kind, count)
            self.stdout.write(f"{kind.name}: {_said(kind, count, options['dry_run'])}")

    def _purge(self, kind: retention.RetentionRule, expected: int) -> int:
        console = Console(stderr=True)
        batches = kind.purge(timezone.now())
        total = -(-expected // retention.BATCH)
        bar = track(batches, kind.name, total=total, console=console, disable=not expected)
        try:
            return sum(bar)
        except StorageFailed as failure:
            raise CommandError(
                f"Cannot delete files: {failure.detail}. The next run continues."
            ) from failure


def _said(kind: retention.RetentionRule, count: int, dry_run: bool) -> str:
    would_be = "would be deleted" if dry_run else "deleted"
    age = f"older than {kind.days} days" if kind.days else "kept forever"
    return f"{count} {would_be} ({age})"
