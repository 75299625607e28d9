from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Q
from rich.console import Console
from rich.progress import track

from mediapipe.fetching.completion import deletion_of, deletion_policy_for
from mediapipe.management.arguments import add_period, media_of_period
from mediapipe.models import Deletion, MediaItem
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.providers.base import PostStorePolicy

CHUNK = 1000


class Command(BaseCommand):
    """Deletes nothing itself: each item is checked, and deleted, by the worker in its turn."""

    help = (
        "Has media deleted at Twilio that was stored before its account wished so, or that was "
        "only tried as a dry run, or was kept for a reason that is mended."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_period(parser)
        parser.add_argument("--dry-run", action="store_true", help="say how many, change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = _not_gone(media_of_period(options))
        if options["dry_run"]:
            count = sum(deletion_policy_for(item) != PostStorePolicy.KEEP for item in _each(chosen))
            self.stdout.write(f"{count} media items would be checked, to be deleted at Twilio.")
            return
        console = Console(stderr=True)
        owed = sum(
            _owe(item)
            for item in track(_each(chosen), "owing", total=chosen.count(), console=console)
        )
        self.stdout.write(f"{owed} media items will be checked, to be deleted at Twilio.")


def _not_gone(media: MediaQuerySet) -> MediaQuerySet:
    not_done = Q(deletion=None) | Q(deletion__dry_run=True) | Q(deletion__status="failed")
    return media.stored().filter(not_done, purged_at=None)


def _each(media: MediaQuerySet) -> Any:
    return media.select_related("event").defer("event__parameters").iterator(CHUNK)


def _owe(item: MediaItem) -> bool:
    deletion = deletion_of(item)
    if deletion is None:
        return False
    Deletion.objects.bulk_create([deletion], ignore_conflicts=True)
    Deletion.objects.filter(media=item).retry_undone()
    return True
