import json
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from io import TextIOWrapper
from typing import IO, Any, cast

from django.core.management.base import BaseCommand
from django.utils import timezone
from rich.console import Console
from rich.text import Text

from mediapipe.admin.text import counted
from mediapipe.management.doctor.checks import CHECKS, Check
from mediapipe.management.doctor.database import is_usable
from mediapipe.management.doctor.findings import SKIPPED, Finding, Level
from mediapipe.models import DoctorReport

CHECK_NAMES = [check.name for check in CHECKS]
STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "bold red"}


class Command(BaseCommand):
    """Exit status 0 if there is no error, else 1.

    With `--strict` a warning counts too, and with `--only` a check that was skipped.
    """

    help = "Checks the configuration and the running service, and prints how to fix each problem."
    # The doctor's settings check runs them and reports their messages as findings.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--show-numbers", action="store_true", help="show phone numbers in full"
        )
        parser.add_argument("--strict", action="store_true", help="treat warnings as errors")
        parser.add_argument(
            "--only",
            action="append",
            choices=CHECK_NAMES,
            metavar="PART",
            help=f"run only this check (repeatable): {', '.join(CHECK_NAMES)}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if isinstance(sys.stdout, TextIOWrapper):
            # A terminal without ✓ shows "?"; the word after it has the same meaning.
            sys.stdout.reconfigure(errors="replace")
        # Django's wrapper is not typed as a file, but has its methods.
        out = Console(file=cast(IO[str], self.stdout), soft_wrap=True, highlight=False)
        found: list[tuple[Check, Finding]] = []
        for check in CHECKS:
            if check.name not in (options["only"] or CHECK_NAMES):
                continue
            findings = []
            for finding in self._with_spinner(check):
                findings.append(finding)
                shown = finding.in_full() if options["show_numbers"] else finding
                found.append((check, shown))
                if not options["json"]:
                    out.print(_line(check, shown))
                    if shown.routes:
                        out.print(_table(shown))
            _store(check, findings)
        counts = Counter(finding.level for _, finding in found)
        skipped = [check.name for check, finding in found if finding.name == SKIPPED]
        is_well = not (
            counts[Level.ERROR]
            or (options["strict"] and counts[Level.WARNING])
            or (options["only"] and skipped)
        )
        if options["json"]:
            document = [finding.as_json(check.name) for check, finding in found]
            self.stdout.write(json.dumps({"well": is_well, "findings": document}, indent=2))
        else:
            warnings, errors = counts[Level.WARNING], counts[Level.ERROR]
            words = (counted(warnings, "warning"), counted(errors, "error"))
            out.print(", ".join([f"{counts[Level.OK]} ok", *words]))
            if skipped:
                out.print(f"Not checked: {', '.join(skipped)}")
        if not is_well:
            sys.exit(1)

    def _with_spinner(self, check: Check) -> Iterator[Finding]:
        """Yield findings as soon as they are known, with a spinner on stderr while waiting.

        It would overwrite a line that is being printed, so it stops before each finding.
        """
        terminal = Console(stderr=True)
        findings = check.findings()
        while True:
            with terminal.status(f"checking {check.name}"):
                finding = next(findings, None)
            if finding is None:
                return
            yield finding


def _line(check: Check, finding: Finding) -> Text:
    level = finding.level
    line = Text(f"{level.mark} {level.name.lower():<7}", style=STYLES[level])
    width = max(map(len, CHECK_NAMES))
    return line.append(f" {check.name:<{width}} {finding}", style="default not bold")


def _table(finding: Finding) -> Text:
    """Return a line per route; the URL comes last because it is never truncated."""
    rows = [("number, service or sender", "verdict", "URL at Twilio")]
    rows += [(route.masked, route.verdict, route.url or "none") for route in finding.routes]
    names, verdicts = (max(len(row[column]) for row in rows) for column in (0, 1))
    return Text(
        "\n".join(f"  {name:<{names}}  {said:<{verdicts}}  {url}" for name, said, url in rows)
    )


def _store(check: Check, findings: list[Finding]) -> None:
    """Store the findings, with masked numbers, for the page Webhook setup."""
    if is_usable():
        found = [finding.as_json(check.name) for finding in findings]
        values = {"at": timezone.now(), "findings": found}
        DoctorReport.objects.update_or_create(part=check.name, defaults=values)
