from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from mediapipe.failures import Failure
from mediapipe.management.arguments import add_period, check_period
from mediapipe.management.progress import progress
from mediapipe.models import Reconciliation
from mediapipe.providers.twilio.accounts import accounts
from mediapipe.webhooks.reconciliation.comparison import reconcile, time_slices

DESCRIPTION = "{task.description}: {task.fields[looked_at]} checked, {task.fields[missing]} missing"


class Command(BaseCommand):
    """The dispatcher publishes the missing items, so they do not delay new webhooks."""

    help = (
        "Lists messages with media and recordings at Twilio, and records those whose webhook never "
        "arrived. Running the same command again resumes an interrupted run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_period(parser, required=True, what="created at Twilio")
        parser.add_argument("--account", metavar="SID", help="only this account")
        parser.add_argument(
            "--dry-run", action="store_true", help="print what is missing, change nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        check_period(options)
        failures = []
        columns = TextColumn(DESCRIPTION), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
        with progress(*columns) as bar:
            for sid in self._accounts(options["account"]):
                try:
                    self._reconcile(sid, bar, options)
                except Failure as failure:
                    failures.append(f"{sid}: {failure}")
        if failures:
            hint = "Run the same command again to resume."
            raise CommandError("\n".join([*failures, hint]))

    def _accounts(self, wanted: str | None) -> list[str]:
        try:
            known = [sid for sid, account in accounts().items() if account.credentials()]
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        if wanted and wanted not in known:
            raise CommandError(
                f"{wanted} is not an account with credentials. Known: {', '.join(known)}."
            )
        return [wanted] if wanted else known

    def _reconcile(self, sid: str, bar: Progress, options: dict[str, Any]) -> None:
        dry_run = options["dry_run"]
        run = new_run(sid, options) if dry_run else self._run(sid, options)
        looked_at, missing = run.looked_at, run.taken_in
        total = len(time_slices(run))
        task = bar.add_task(sid, total=total, looked_at=looked_at, missing=missing)
        try:
            for found in reconcile(run, dry_run=dry_run):
                looked_at += found.looked_at
                missing += len(found.missing)
                bar.update(task, advance=1, looked_at=looked_at, missing=missing)
        except Failure as failure:
            if not dry_run:
                run.record_failure(failure.slug)
            raise
        action = "not recorded (dry run)" if dry_run else "now recorded"
        result = f"{missing} missing and {action}" if missing else "none missing"
        self.stdout.write(
            f"{sid}: messages with media and recordings: {looked_at} checked, {result}."
        )

    def _run(self, sid: str, options: dict[str, Any]) -> Reconciliation:
        run = Reconciliation.interrupted(sid, options["since"], options["until"])
        if run:
            self.stdout.write(f"{sid}: resuming at {run.done_until.isoformat()}.")
            # Without --until the period ends now, which is later than in the interrupted run.
            run.until = new_run(sid, options).until
            return run
        run = new_run(sid, options)
        run.save()
        return run


def new_run(sid: str, options: dict[str, Any]) -> Reconciliation:
    """Return an unsaved run over the requested period."""
    until: datetime = options["until"] or timezone.now()
    return Reconciliation.build(sid, options["since"], until)
