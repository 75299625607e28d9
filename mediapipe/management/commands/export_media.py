import csv
import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from mediapipe.export import KEYS, media_line
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
        media = media_of_period(options).select_related("event").order_by("received_at", "pk")
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
