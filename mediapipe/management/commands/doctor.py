import json
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from io import TextIOWrapper
from typing import IO, Any, cast

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.text import Text

from mediapipe.management.doctor.examination import PARTS, Part, findings
from mediapipe.management.doctor.findings import Finding, State

WIDTH = max(len(part.name) for part in PARTS)
STYLES = {State.OK: "green", State.LOOK: "yellow", State.WRONG: "bold red"}


class Command(BaseCommand):
    """Exits with 0 if nothing is wrong, with 1 otherwise; `--strict` minds what to look at too."""

    help = "Looks for what is wrong with the configuration, on the real thing, and says what to do."
    # It tells what they find in its own words, beside what only a look at the real thing shows.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object, for scripts")
        parser.add_argument("--strict", action="store_true", help="what to look at is wrong too")
        parser.add_argument(
            "--only",
            action="append",
            choices=[part.name for part in PARTS],
            metavar="PART",
            help=f"look at this part alone: {', '.join(part.name for part in PARTS)}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        parts = [part for part in PARTS if part.name in (options["only"] or [part.name])]
        if isinstance(sys.stdout, TextIOWrapper):
            # The word beside it says the same where the sign cannot be written.
            sys.stdout.reconfigure(errors="replace")
        # The wrapper of Django's is written to as a file is.
        file = cast(IO[str], self.stdout)
        out = Console(file=file, soft_wrap=True, highlight=False)
        found = {part.name: self._look(part, out, options["json"]) for part in parts}
        everything = [finding for one in found.values() for finding in one]
        states = Counter(finding.state for finding in everything)
        is_well = not states[State.WRONG] and not (options["strict"] and states[State.LOOK])
        if options["json"]:
            self.stdout.write(json.dumps({"well": is_well, "findings": _as_json(found)}, indent=2))
        else:
            out.print(", ".join(f"{states[state]} {state}" for state in State))
        if not is_well:
            sys.exit(1)

    def _look(self, part: Part, out: Console, quiet: bool) -> list[Finding]:
        """Return what is found, and print each line as soon as it is known."""
        found = []
        for finding in _one_by_one(part):
            found.append(finding)
            if not quiet:
                out.print(_line(part, finding))
        return found


def _one_by_one(part: Part) -> Iterator[Finding]:
    """Yield what is found; a person is told where one waits, but never while a line is printed."""
    waiting = Console(stderr=True)
    rest = findings(part)
    while True:
        with waiting.status(f"looking at the {part.name}"):
            finding = next(rest, None)
        if finding is None:
            return
        yield finding


def _line(part: Part, finding: Finding) -> Text:
    state = finding.state
    line = Text(f"{state.sign} {state:<5}", style=STYLES[state])
    return line.append(f" {part.name:<{WIDTH}} {finding}", style="default not bold")


def _as_json(found: dict[str, list[Finding]]) -> list[dict[str, Any]]:
    return [{"part": name} | asdict(finding) for name, one in found.items() for finding in one]
