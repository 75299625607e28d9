from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Q

from mediapipe.admin.text import counted
from mediapipe.fetching.completion import deletion_of, deletion_policy_for
from mediapipe.management.arguments import add_period, media_of_period
from mediapipe.management.progress import track
from mediapipe.models import Deletion, MediaItem
from mediapipe.models.chunks import in_chunks
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.providers.base import PostStorePolicy


class Command(BaseCommand):
    """Only queues the deletions: a worker verifies each item before it deletes it at Twilio."""

    help = (
        "Queues stored media for deletion at Twilio. This includes media that was stored before "
        "the policy applied, media of a dry run, and media whose deletion failed for a reason "
        "that is now fixed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_period(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="print the count, change nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        undeleted = Q(deletion=None) | Q(deletion__dry_run=True) | Q(deletion__status="failed")
        chosen = media_of_period(options).stored().filter(undeleted, purged_at=None)
        if options["dry_run"]:
            count = sum(
                deletion_policy_for(item) != PostStorePolicy.KEEP for item in _iterate(chosen)
            )
            items = counted(count, "media item")
            self.stdout.write(f"{items} would be queued for deletion at Twilio.")
            return
        queued = sum(map(_queue, track(_iterate(chosen), "queueing", total=chosen.count())))
        self.stdout.write(f"{counted(queued, 'media item')} queued for deletion at Twilio.")


def _iterate(media: MediaQuerySet) -> Any:
    return in_chunks(media.select_related("event").defer("event__parameters").order_by("pk"))


def _queue(item: MediaItem) -> bool:
    deletion = deletion_of(item)
    if deletion is None:
        return False
    Deletion.objects.bulk_create([deletion], ignore_conflicts=True)
    Deletion.objects.filter(media=item).retry_undone()
    return True
