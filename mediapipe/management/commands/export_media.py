import csv
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from mediapipe.lifecycle.export import KEYS, csv_line, media_line
from mediapipe.management.arguments import add_period, media_of_period
from mediapipe.models import Status


class Command(BaseCommand):
    """Data goes to standard output, and nothing else does."""

    help = "Prints one media item a line, as JSON lines or CSV."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_period(parser)
        parser.add_argument("--status", choices=Status.values)
        parser.add_argument("--format", choices=["jsonl", "csv"], default="jsonl")

    def handle(self, *args: Any, **options: Any) -> None:
        media = media_of_period(options).order_by("received_at", "pk")
        # The parameters are large, and nothing of them is printed.
        media = media.select_related("event").defer("event__parameters")
        if options["status"]:
            media = media.filter(status=options["status"])
        if options["format"] == "csv":
            writer = csv.DictWriter(self.stdout, KEYS)
            writer.writeheader()
            writer.writerows(map(csv_line, media.iterator()))
            return
        for item in media.iterator():
            self.stdout.write(json.dumps(media_line(item)))
