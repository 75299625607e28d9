from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from rich.console import Console
from rich.progress import track

from mediapipe.management.arguments import (
    add_period,
    add_reason,
    answer,
    filter_by_account,
    media_of_period,
    reason_of,
    responsible_user,
)
from mediapipe.management.commands.retry import SLUGS
from mediapipe.models import MediaItem
from mediapipe.models.bulk_jobs import BATCH
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.operations.manual_control import give_up


class Command(BaseCommand):
    """Running it twice is harmless: items that have ended are skipped."""

    help = "Gives up on unfinished media items: they are failed, and can be retried."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_period(parser)
        parser.add_argument(
            "--sid", nargs="+", metavar="ME...", help="only these media items or recordings"
        )
        parser.add_argument("--error", choices=SLUGS, metavar="SLUG", help="only this failure")
        parser.add_argument("--account", metavar="SID", help="only this account")
        add_reason(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="print the count, change nothing"
        )
        parser.add_argument("--noinput", action="store_true", help="do not ask for confirmation")

    def handle(self, *args: Any, **options: Any) -> None:
        ids = list(self._media(options).order_by("pk").values_list("pk", flat=True))
        if options["dry_run"]:
            self.stdout.write(f"{len(ids)} media items would be given up.")
            return
        user, reason = responsible_user(options), reason_of(options)
        self._ask(len(ids), options)
        batches, count = range(0, len(ids), BATCH), 0
        console = Console(stderr=True)
        for start in track(batches, "giving up", console=console, disable=not ids):
            batch = MediaItem.objects.filter(pk__in=ids[start : start + BATCH])
            count += len(give_up(batch, user, reason))
        self.stdout.write(f"{count} media items were given up.")

    def _media(self, options: dict[str, Any]) -> MediaQuerySet:
        media = filter_by_account(media_of_period(options).unfinished(), options)
        if options["sid"]:
            media = media.filter(Q(media_sid__in=options["sid"]) | Q(identity__in=options["sid"]))
        return media.filter(error=options["error"]) if options["error"] else media

    def _ask(self, count: int, options: dict[str, Any]) -> None:
        if options["noinput"] or not count:
            return
        reply = answer(f"Give up on {count} media items? [yes/no] ")
        if reply.strip().lower() != "yes":
            raise CommandError("Nothing was given up.")
