from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from mediapipe.failures import StorageFailed
from mediapipe.lifecycle import retention
from mediapipe.management.progress import track


class Command(BaseCommand):
    """Beat schedules the same purge every five minutes, which also completes an interrupted run."""

    help = "Deletes what is older than the RETENTION_* settings allow."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="print the counts, delete nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for rule in retention.retention_rules():
            count, action = rule.count(timezone.now()), "would be deleted"
            if not options["dry_run"]:
                count, action = self._purge(rule, count), "deleted"
            age = f"older than {rule.days:g} days" if rule.days else "kept forever"
            self.stdout.write(f"{rule.name}: {count} {action} ({age})")

    def _purge(self, rule: retention.RetentionRule, expected: int) -> int:
        batches = rule.purge(timezone.now())
        try:
            return sum(track(batches, rule.name, total=-(-expected // retention.BATCH)))
        except StorageFailed as failure:
            raise CommandError(
                f"Cannot delete files: {failure.detail}. The next run continues."
            ) from failure
