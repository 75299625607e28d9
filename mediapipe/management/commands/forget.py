import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mediapipe.admin.text import counted
from mediapipe.lifecycle.erasure.erase import Receipt, erase, preview
from mediapipe.lifecycle.erasure.target import ErasureTarget
from mediapipe.management.arguments import add_by, answer, responsible_user
from mediapipe.management.progress import progress
from mediapipe.operations import audit_log


class Command(BaseCommand):
    """The receipt goes to standard output, everything else to standard error."""

    help = (
        "Erases the media and payloads of one message, call or recording, or of all messages "
        "and calls with one phone number or other address. Prints a receipt as JSON."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--message-sid", metavar="MM...")
        who.add_argument("--call-sid", metavar="CA...")
        who.add_argument("--recording-sid", metavar="RE...")
        who.add_argument(
            "--number",
            "--sender",
            metavar="+1555...",
            help="the other party's phone number, WhatsApp user ID (US.1349...), e-mail address or "
            "address with its channel (client:alice), never one of your own",
        )
        add_by(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="print what would be erased, erase nothing"
        )
        parser.add_argument("--noinput", action="store_true", help="do not ask for confirmation")

    def handle(self, *args: Any, **options: Any) -> None:
        target = self._target(options)
        if options["dry_run"]:
            self._print(preview(target) | {"dry_run": True})
            return
        user = responsible_user(options)
        self._ask(target, options)
        receipt = self._erase(target) | {"by": user.username}
        about = f"{target.name} {target.shown}"
        audit_log.log_action(
            user, about, f"Erased {counted(len(receipt['events']), 'event')} of {about}."
        )
        self._print(receipt)
        if not receipt["events"]:
            self.stderr.write(f"Nothing recorded was found for {about}.")
        if receipt["not_erased"]:
            raise CommandError("Not everything is erased yet: run this again in two minutes.")

    def _target(self, options: dict[str, Any]) -> ErasureTarget:
        names = ("message_sid", "call_sid", "recording_sid", "number")
        ((name, value),) = [(name, options[name]) for name in names if options[name] is not None]
        try:
            return ErasureTarget.parse(name, value)
        except ValueError as error:
            raise CommandError(str(error)) from None

    def _ask(self, target: ErasureTarget, options: dict[str, Any]) -> None:
        if options["noinput"]:
            return
        events = counted(target.events().count(), "event")
        reply = answer(f"Permanently erase {events} of {target.shown}? [yes/no] ")
        if reply.strip().lower() != "yes":
            raise CommandError("Nothing was erased.")

    def _erase(self, target: ErasureTarget) -> Receipt:
        with progress() as bars:
            task = bars.add_task("erasing", total=target.events().count())
            return erase(target, lambda count: bars.advance(task, count))

    def _print(self, receipt: Receipt) -> None:
        self.stdout.write(json.dumps(receipt, indent=2, ensure_ascii=False))
