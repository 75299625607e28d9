import csv
import json
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from mediapipe.export import KEYS, media_line
from mediapipe.models import MediaItem, Status


def moment(text: str) -> datetime:
    """Return an ISO 8601 time; one without an offset is taken as UTC."""
    try:
        at = parse_datetime(text) or datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"{text!r} is no ISO 8601 time; write for example 2026-01-31T12:00:00+00:00."
        ) from None
    return at if timezone.is_aware(at) else at.replace(tzinfo=UTC)


class Command(BaseCommand):
    """Data goes to standard output, and nothing else does."""

    help = "Prints one media item a line, as JSON lines or CSV."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=moment, help="received at or after this ISO 8601 time")
        parser.add_argument("--until", type=moment, help="received before this ISO 8601 time")
        parser.add_argument("--status", choices=Status.values)
        parser.add_argument("--format", choices=["jsonl", "csv"], default="jsonl")

    def handle(self, *args: Any, **options: Any) -> None:
        media = MediaItem.objects.select_related("event").order_by("received_at", "pk")
        for option, lookup in (("since", "received_at__gte"), ("until", "received_at__lt")):
            if options[option]:
                media = media.filter(**{lookup: options[option]})
        if options["status"]:
            media = media.filter(status=options["status"])
        lines = (media_line(item) for item in media.iterator())
        if options["format"] == "csv":
            writer = csv.DictWriter(sys.stdout, KEYS)
            writer.writeheader()
            writer.writerows(lines)
            return
        for line in lines:
            self.stdout.write(json.dumps(line))
