from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from mediapipe.fetching.schedule import Schedule
from mediapipe.management.arguments import (
    add_period,
    filter_by_account,
    media_of_period,
    positive,
)
from mediapipe.settings.values import duration_s
from mediapipe.timing.retry_lab import formatting, plot
from mediapipe.timing.retry_lab.comparison import Comparison, compare
from mediapipe.timing.retry_lab.policies import Policy, environment


class Command(BaseCommand):
    """Figures are estimates from interval-censored delays, each with its best and worst case."""

    help = "Replays the recorded delays against other retry schedules and proposes one."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_period(parser)
        parser.add_argument("--account", metavar="SID", help="only this account")
        parser.add_argument(
            "--budget",
            type=positive,
            metavar="N",
            help="maximum requests per media item (default: those of the current schedule)",
        )
        schedule = parser.add_argument_group(
            "another schedule to compare (default: current values)"
        )
        schedule.add_argument("--first-delay", dest="first_delay_s", type=length, metavar="1s")
        schedule.add_argument("--factor", type=factor, metavar="2")
        schedule.add_argument("--max-delay", dest="max_delay_s", type=length, metavar="60s")
        schedule.add_argument("--fast-window", dest="fast_window_s", type=length, metavar="300s")
        schedule.add_argument("--slow-schedule", dest="slow_s", type=lengths, metavar="10m,1h")
        parser.add_argument("--plot", type=Path, metavar="FILE", help="write the plot to this .svg")

    def handle(self, *args: Any, **options: Any) -> None:
        media = filter_by_account(media_of_period(options), options)
        comparison = compare(media, others=others(options), budget=options["budget"])
        if comparison is None:
            raise CommandError(formatting.NO_DATA)
        self._show(comparison)
        if path := options["plot"]:
            try:
                path.write_text(plot.render_svg(comparison))
            except OSError as error:
                raise CommandError(f"The plot cannot be written to {path}: {error}") from None
            self.stderr.write(f"The plot is in {path}.")

    def _show(self, comparison: Comparison) -> None:
        table = Table(*formatting.COLUMNS, title="The recorded delays under other schedules")
        for result in comparison.results:
            table.add_row(*formatting.cells(result))
        # A pipe has no width that the table must fit.
        console = Console(width=None if self.stdout.isatty() else 140)
        with console.capture() as captured:
            console.print(table)
        self.stdout.write(captured.get())
        self.stdout.write(formatting.sample_note(comparison.intervals))
        self.stdout.write(formatting.BRACKETS)
        self.stdout.write(f"\n{formatting.proposal_sentence(comparison)}")
        if comparison.proposal:
            for name, value in environment(comparison.proposal.schedule).items():
                self.stdout.write(f"{name}={value}")


def others(options: dict[str, Any]) -> Sequence[Policy]:
    """Return the schedule given by the options as a policy; empty if no option changes it."""
    names = ("first_delay_s", "factor", "max_delay_s", "fast_window_s", "slow_s")
    given = {name: options[name] for name in names if options[name] is not None}
    if not given:
        return ()
    schedule = replace(Schedule.from_settings(), **given)
    return (Policy(formatting.YOURS, schedule=schedule),)


def length(text: str) -> float:
    """Parse a duration above zero, in the format of the settings; return seconds."""
    try:
        seconds = duration_s(text)
    except ValueError:
        seconds = 0.0
    if not seconds:
        raise ArgumentTypeError(f"{text!r} is not a duration; write 0.5s, 90, 10m, 3h or 2d.")
    return seconds


def lengths(text: str) -> tuple[float, ...]:
    """Parse comma-separated durations; an empty list means no slow phase."""
    return tuple(length(part) for part in text.split(",") if part.strip())


def factor(text: str) -> float:
    """Parse a number from 1 to 10, the range of RETRY_FACTOR."""
    value = positive(text)
    if not 1 <= value <= 10:
        raise ArgumentTypeError(f"{text} is not a factor from 1 to 10.")
    return value
