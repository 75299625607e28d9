import json
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from io import TextIOWrapper
from typing import IO, Any, cast

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.text import Text

from mediapipe.management.doctor.checks import CHECKS, Check
from mediapipe.management.doctor.findings import SKIPPED, Finding, Level

CHECK_NAMES = [check.name for check in CHECKS]
STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "bold red"}


class Command(BaseCommand):
    """Exit status 0 if there is no error, else 1.

    With `--strict` a warning counts too, and with `--only` a check that was skipped.
    """

    help = "Checks the configuration and the running service, and says how to fix what is wrong."
    # The settings check reports them, together with what only a real request shows.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
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
            # A terminal without ✓ shows "?"; the word after it says the same.
            sys.stdout.reconfigure(errors="replace")
        # Django's wrapper has no type, but it writes like a file.
        out = Console(file=cast(IO[str], self.stdout), soft_wrap=True, highlight=False)
        found: list[tuple[Check, Finding]] = []
        for check in CHECKS:
            if check.name not in (options["only"] or CHECK_NAMES):
                continue
            for finding in self._with_spinner(check):
                found.append((check, finding))
                if not options["json"]:
                    out.print(_line(check, finding))
        counts = Counter(finding.level for _, finding in found)
        skipped = [check.name for check, finding in found if finding.name == SKIPPED]
        is_well = not (
            counts[Level.ERROR]
            or (options["strict"] and counts[Level.WARNING])
            or (options["only"] and skipped)
        )
        if options["json"]:
            findings = [_as_json(check, finding) for check, finding in found]
            self.stdout.write(json.dumps({"well": is_well, "findings": findings}, indent=2))
        else:
            warnings, errors = counts[Level.WARNING], counts[Level.ERROR]
            out.print(f"{counts[Level.OK]} ok, {warnings} warnings, {errors} errors")
            if skipped:
                out.print(f"Not checked: {', '.join(skipped)}")
        if not is_well:
            sys.exit(1)

    def _with_spinner(self, check: Check) -> Iterator[Finding]:
        """Yield findings as soon as they are known, with a spinner on stderr in between only: it
        would overwrite a line that is being printed."""
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


def _as_json(check: Check, finding: Finding) -> dict[str, str]:
    return {
        "part": check.name,
        "state": finding.level,
        "what": finding.message,
        "where": finding.where,
        "todo": finding.remedy,
        "name": finding.name,
    }
