from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mediapipe.webhooks import spool
from mediapipe.webhooks.receive import DATABASE_ERRORS, drain_spool


class Command(BaseCommand):
    """The web process does this automatically; the command is for a host where web is stopped."""

    help = "Records the webhooks that were spooled while the database was down."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = drain_spool()
        except DATABASE_ERRORS as error:
            raise CommandError(
                f"The database is down ({type(error).__name__}); {spool.depth()} webhooks waiting."
            ) from error
        self.stdout.write(f"{count} webhooks recorded or set aside, {spool.depth()} waiting.")
