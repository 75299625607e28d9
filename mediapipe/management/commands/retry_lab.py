from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from mediapipe.fetching.schedule import Schedule
from mediapipe.management.arguments import add_period, media_of_period
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.settings.values import duration_s
from mediapipe.timing.retry_lab import formatting, plot
from mediapipe.timing.retry_lab.comparison import Comparison, compare
from mediapipe.timing.retry_lab.policies import Policy, environment


class Command(BaseCommand):
    """The figures are estimates from intervals; beside each stand its best and its worst case."""

    help = "Replays the recorded delays against other retry schedules and proposes one."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_period(parser)
        parser.add_argument("--account", metavar="SID", help="only this account")
        parser.add_argument(
            "--budget",
            type=positive,
            metavar="N",
            help="requests a media item that the proposal may cost; by default those of today",
        )
        schedule = parser.add_argument_group("one more schedule to compare, by what is different")
        schedule.add_argument("--first-delay", dest="first_delay_s", type=length, metavar="1s")
        schedule.add_argument("--factor", type=factor, metavar="2")
        schedule.add_argument("--max-delay", dest="max_delay_s", type=length, metavar="60s")
        schedule.add_argument("--fast-window", dest="fast_window_s", type=length, metavar="300s")
        schedule.add_argument("--slow-schedule", dest="slow_s", type=lengths, metavar="10m,1h")
        parser.add_argument("--plot", type=Path, metavar="FILE", help="a .png, .svg or .pdf")

    def handle(self, *args: Any, **options: Any) -> None:
        comparison = compare(
            self._chosen(options), others=others(options), budget=options["budget"]
        )
        if comparison is None:
            raise CommandError(formatting.NOTHING)
        self._show(comparison)
        if options["plot"]:
            self._draw(comparison, options["plot"])

    def _chosen(self, options: dict[str, Any]) -> MediaQuerySet:
        media = media_of_period(options)
        return media.filter(account_sid=options["account"]) if options["account"] else media

    def _show(self, comparison: Comparison) -> None:
        table = Table(*formatting.COLUMNS, title="What other schedules would have made of it")
        for outcome in comparison.outcomes:
            table.add_row(*formatting.cells(outcome))
        # A pipe has no width that the table would have to fit.
        console = Console(width=None if self.stdout.isatty() else 140)
        with console.capture() as captured:
            console.print(table)
        self.stdout.write(captured.get())
        self.stdout.write(formatting.what_was_taken(comparison.delays))
        self.stdout.write(formatting.BRACKETS)
        self.stdout.write(f"\n{formatting.what_is_proposed(comparison)}")
        if comparison.proposal:
            for name, value in environment(comparison.proposal.schedule).items():
                self.stdout.write(f"{name}={value}")

    def _draw(self, comparison: Comparison, path: Path) -> None:
        try:
            plot.save(comparison, path)
        except (OSError, ValueError) as error:
            raise CommandError(f"The plot cannot be written to {path}: {error}") from None
        self.stderr.write(f"The plot is in {path}.")


def others(options: dict[str, Any]) -> Sequence[Policy]:
    """Return the schedule that the options describe, as a policy; none if they do not."""
    names = ("first_delay_s", "factor", "max_delay_s", "fast_window_s", "slow_s")
    given = {name: options[name] for name in names if options[name] is not None}
    if not given:
        return ()
    schedule = replace(Schedule.from_settings(), **given)
    return (Policy(formatting.YOURS, schedule=schedule),)


def length(text: str) -> float:
    """Return a duration above zero in seconds, written as in the environment."""
    try:
        seconds = duration_s(text)
    except ValueError:
        seconds = 0.0
    if not seconds:
        raise ArgumentTypeError(f"{text!r} is no duration; write 0.5s, 90, 10m, 3h or 2d.")
    return seconds


def lengths(text: str) -> tuple[float, ...]:
    """Return a comma list of durations; an empty one is no slow phase."""
    return tuple(length(part) for part in text.split(",") if part.strip())


def factor(text: str) -> float:
    """Return a number from 1 to 10, as RETRY_FACTOR takes it."""
    value = positive(text)
    if not 1 <= value <= 10:
        raise ArgumentTypeError(f"{text} is no factor from 1 to 10.")
    return value


def positive(text: str) -> float:
    """Return a number above zero."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise ArgumentTypeError(f"{text!r} is no number above zero.")
    return value
