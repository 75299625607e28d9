from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.progress import MofNCompleteColumn, Progress

from mediapipe.escalation.report.case import Case, NothingToReport, build_case
from mediapipe.escalation.report.message import subject_line
from mediapipe.escalation.report.package import package_name, write_package
from mediapipe.management.arguments import add_period, filter_by_account, media_of_period
from mediapipe.management.progress import progress


class Command(BaseCommand):
    """Sends nothing to Twilio: an operator decides whether to open a ticket."""

    help = "Writes the package for Twilio Support, a zip: message, list of media, chart."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_period(parser, required=True)
        parser.add_argument("--account", metavar="SID", help="only this account")
        parser.add_argument(
            "--tz", type=time_zone, help="time zone shown next to UTC (default: TIME_ZONE)"
        )
        parser.add_argument(
            "--output", type=Path, required=True, metavar="DIR", help="directory for the zip"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            case = build_case(
                filter_by_account(media_of_period(options), options),
                since=options["since"],
                until=options["until"] or timezone.now(),
                zone=options["tz"],
            )
        except NothingToReport as nothing:
            raise CommandError(str(nothing)) from None
        path = options["output"] / f"{package_name(case)}.zip"
        try:
            self._write(case, path)
        except OSError as error:
            raise CommandError(f"Cannot write {path}: {error.strerror}.") from None
        self.stdout.write(str(path))

    def _write(self, case: Case, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        with progress(*Progress.get_default_columns(), MofNCompleteColumn()) as bars:
            task = bars.add_task("media", total=case.affected.count())
            try:
                with unfinished.open("wb") as file:
                    found = write_package(case, file, lambda: bars.advance(task))
                # A file with the final name is always complete.
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
        self.stderr.write(f"{subject_line(found)}.")


def time_zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ArgumentTypeError(
            f"{text!r} is not a time zone; use a name such as Europe/Berlin."
        ) from None
