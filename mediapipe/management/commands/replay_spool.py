from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mediapipe.admin.text import counted
from mediapipe.webhooks import spool
from mediapipe.webhooks.receive import DatabaseUnavailable, drain_spool


class Command(BaseCommand):
    """The web process does this automatically; the command is for a host where web is stopped."""

    help = "Records the webhooks that were spooled while the database was down."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--refused",
            action="store_true",
            help="also those that were set aside, once their cause is fixed",
        )

    def handle(self, *args: Any, refused: bool, **options: Any) -> None:
        if refused:
            spool.restore_refused()
        before = len(spool.refused())
        try:
            count = drain_spool()
        except DatabaseUnavailable as error:
            raise CommandError(
                f"The database is down ({error}); {counted(spool.depth(), 'webhook')} waiting."
            ) from error
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        aside = len(spool.refused()) - before
        recorded = counted(count - aside, "webhook")
        self.stdout.write(f"{recorded} recorded, {aside} set aside, {spool.depth()} waiting.")
