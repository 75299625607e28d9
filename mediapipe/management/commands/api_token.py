from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from mediapipe.models import ApiToken
from mediapipe.providers.twilio.accounts import accounts

MAX_NAME = 64


class Command(BaseCommand):
    """A token that got lost is revoked, and another one made under another name."""

    help = "Makes or revokes a token for the JSON API; the token is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["make", "revoke"])
        parser.add_argument("name", help="who uses it, such as crm")
        parser.add_argument(
            "--account",
            action="append",
            default=[],
            metavar="SID",
            help="it sees the media of this account alone, or of several",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not 0 < len(name) <= MAX_NAME:
            raise CommandError(f"A name has 1 to {MAX_NAME} characters.")
        if options["action"] == "make":
            self._make(name, options["account"])
        else:
            self._revoke(name)

    def _make(self, name: str, wanted: list[str]) -> None:
        if ApiToken.objects.filter(name=name).exists():
            raise CommandError(f"There is, or was, a token {name!r} already: take another name.")
        known = accounts()
        if unknown := [sid for sid in wanted if sid not in known]:
            raise CommandError(f"{unknown[0]} is no account here: {', '.join(known)}.")
        self.stdout.write(ApiToken.make(name, wanted))
        self.stderr.write("Only its hash is kept: nobody can show it again.")

    def _revoke(self, name: str) -> None:
        if not ApiToken.objects.valid().filter(name=name).update(revoked_at=timezone.now()):
            raise CommandError(f"There is no valid token {name!r}.")
        self.stdout.write(f"The token {name} opens nothing any more.")
