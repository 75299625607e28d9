from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from mediapipe.failures import Failure
from mediapipe.management.arguments import moment
from mediapipe.models import Reconciliation
from mediapipe.providers.twilio.accounts import accounts
from mediapipe.webhooks.reconciliation.comparison import reconcile, stretches

DESCRIPTION = (
    "{task.description}: {task.fields[looked_at]} looked at, {task.fields[missing]} missing"
)


class Command(BaseCommand):
    """What is missing is handed out by the sweep, so that new webhooks need not wait for it."""

    help = (
        "Lists messages with media and recordings at Twilio, and takes in those whose webhook "
        "never came. The same command again goes on where it was interrupted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since", type=moment, required=True, help="came to Twilio at or after (ISO 8601)"
        )
        parser.add_argument("--until", type=moment, help="came to Twilio before (ISO 8601; now)")
        parser.add_argument("--account", metavar="SID", help="only this account")
        parser.add_argument("--dry-run", action="store_true", help="say what, change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["since"] >= (options["until"] or timezone.now()):
            raise CommandError("There is no time between --since and --until; swap them.")
        failures = []
        with progress() as bar:
            for sid in self._accounts(options["account"]):
                try:
                    self._reconcile(sid, bar, options)
                except Failure as failure:
                    failures.append(f"{sid}: {failure}")
        if failures:
            again = "The same command again goes on where this one stopped."
            raise CommandError("\n".join([*failures, again]))

    def _accounts(self, wanted: str | None) -> list[str]:
        try:
            known = [sid for sid, account in accounts().items() if account.credentials()]
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        if wanted and wanted not in known:
            raise CommandError(f"{wanted} is no account with credentials here: {', '.join(known)}.")
        return [wanted] if wanted else known

    def _reconcile(self, sid: str, bar: Progress, options: dict[str, Any]) -> None:
        dry_run = options["dry_run"]
        run = new_run(sid, options) if dry_run else self._run(sid, options)
        looked_at, missing = run.looked_at, run.taken_in
        total = len(stretches(run))
        task = bar.add_task(sid, total=total, looked_at=looked_at, missing=missing)
        try:
            for found in reconcile(run, dry_run=dry_run):
                looked_at += found.looked_at
                missing += len(found.missing)
                bar.update(task, advance=1, looked_at=looked_at, missing=missing)
        except Failure as failure:
            if not dry_run:
                run.stopped(failure.slug)
            raise
        end = "would be taken in" if dry_run else "were taken in"
        result = f"{missing} were missing and {end}" if missing else "none was missing"
        looked = f"{looked_at} messages with media and recordings looked at"
        self.stdout.write(f"{sid}: {looked}, {result}.")

    def _run(self, sid: str, options: dict[str, Any]) -> Reconciliation:
        run = Reconciliation.interrupted(sid, options["since"], options["until"])
        if run:
            self.stdout.write(f"{sid}: going on at {run.done_until.isoformat()}.")
            # Without --until it is about everything up to now, and now is later than it was.
            run.until = new_run(sid, options).until
            return run
        run = new_run(sid, options)
        run.save()
        return run


def new_run(sid: str, options: dict[str, Any]) -> Reconciliation:
    """Return an unsaved run over the period that was asked for."""
    until: datetime = options["until"] or timezone.now()
    return Reconciliation.of(sid, options["since"], until)


def progress() -> Progress:
    """Return a bar for each account, on standard error."""
    columns = TextColumn(DESCRIPTION), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    return Progress(*columns, console=Console(stderr=True))
