from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mediapipe.webhooks import spool
from mediapipe.webhooks.receive import DATABASE_AWAY, replay


class Command(BaseCommand):
    """The web process does this automatically; the command is for a host where web is stopped."""

    help = "Records the webhooks that were spooled while the database was down."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = replay()
        except DATABASE_AWAY as error:
            raise CommandError(
                f"The database is down ({type(error).__name__}); {spool.depth()} webhooks waiting."
            ) from error
        self.stdout.write(f"{count} webhooks recorded or set aside, {spool.depth()} waiting.")
