import csv
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from mediapipe.lifecycle.export import KEYS, csv_line, media_line
from mediapipe.management.arguments import add_period, media_of_period
from mediapipe.models import Status
from mediapipe.models.chunks import in_chunks


class Command(BaseCommand):
    """Only the data goes to standard output, so it can be piped."""

    help = "Prints one media item per line, as JSON Lines or CSV."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_period(parser)
        parser.add_argument("--status", choices=Status.values)
        parser.add_argument("--format", choices=["jsonl", "csv"], default="jsonl")

    def handle(self, *args: Any, **options: Any) -> None:
        media = media_of_period(options).order_by("received_at", "pk")
        # The webhook parameters are large and not part of the export.
        media = media.select_related("event").defer("event__parameters")
        if options["status"]:
            media = media.filter(status=options["status"])
        if options["format"] == "csv":
            writer = csv.DictWriter(self.stdout, KEYS)
            writer.writeheader()
            writer.writerows(map(csv_line, in_chunks(media)))
            return
        for item in in_chunks(media):
            self.stdout.write(json.dumps(media_line(item)))
