from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from mediapipe.admin.text import counted
from mediapipe.management.arguments import (
    add_filters,
    add_reason,
    answer,
    filtered_media,
    in_batches,
    reason_of,
    responsible_user,
)
from mediapipe.operations.manual_control import give_up


class Command(BaseCommand):
    """Running it twice is harmless: items that have ended are skipped."""

    help = "Gives up on unfinished media items: they fail, and can be retried."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_filters(parser)
        parser.add_argument(
            "--sid", nargs="+", metavar="ME...", help="only these media items or recordings"
        )
        add_reason(parser)
        parser.add_argument("--noinput", action="store_true", help="do not ask for confirmation")

    def handle(self, *args: Any, **options: Any) -> None:
        media = filtered_media(options).unfinished()
        if sids := options["sid"]:
            media = media.filter(Q(media_sid__in=sids) | Q(identity__in=sids))
        ids = list(media.order_by("pk").values_list("pk", flat=True))
        if options["dry_run"]:
            self.stdout.write(f"{counted(len(ids), 'media item')} would be given up.")
            return
        user, reason = responsible_user(options), reason_of(options)
        self._ask(len(ids), options)
        count = sum(len(give_up(batch, user, reason)) for batch in in_batches(ids, "giving up"))
        self.stdout.write(f"{counted(count, 'media item')} given up.")

    def _ask(self, count: int, options: dict[str, Any]) -> None:
        if options["noinput"] or not count:
            return
        reply = answer(f"Give up on {counted(count, 'media item')}? [yes/no] ")
        if reply.strip().lower() != "yes":
            raise CommandError("Nothing was given up.")
