from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from mediapipe.management.arguments import LATER_FORMS, later
from mediapipe.models import ApiToken
from mediapipe.providers import PROVIDERS

MAX_NAME = 64


class Command(BaseCommand):
    """A lost token cannot be shown again: revoke it and create another one under a new name."""

    help = "Creates, revokes or lists tokens of the JSON API; a token is shown only once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["make", "revoke", "list"])
        parser.add_argument("name", nargs="?", default="", help="the application that uses it")
        parser.add_argument(
            "--account",
            action="append",
            default=[],
            metavar="SID",
            help="restrict the token to this account (repeatable)",
        )
        parser.add_argument(
            "--expires",
            type=later,
            metavar="TIME",
            help=f"when the token ends: {LATER_FORMS}; default: never",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "list":
            self._list()
            return
        name = options["name"].strip()
        if not 0 < len(name) <= MAX_NAME:
            raise CommandError(f"The name must have 1 to {MAX_NAME} characters.")
        if options["action"] == "make":
            self._make(name, options["account"], options["expires"])
        elif not ApiToken.objects.valid().filter(name=name).update(revoked_at=timezone.now()):
            raise CommandError(f"No valid token is named {name!r}.")
        else:
            self.stdout.write(f"Revoked the token {name}.")

    def _make(self, name: str, wanted: list[str], expires_at: datetime | None) -> None:
        if ApiToken.objects.filter(name=name).exists():
            raise CommandError(f"The name {name!r} is or was in use: choose another one.")
        known = [sid for provider in PROVIDERS.values() for sid in provider.account_sids()]
        if unknown := [sid for sid in wanted if sid not in known]:
            raise CommandError(
                f"{unknown[0]} is not a configured account. Known: {', '.join(known)}."
            )
        self.stdout.write(ApiToken.make(name, wanted, expires_at))
        self.stderr.write("Only its hash is stored, so it cannot be shown again.")

    def _list(self) -> None:
        for token in ApiToken.objects.order_by("name"):
            state = "revoked" if token.revoked_at else "expired" if token.has_expired else "valid"
            used = f"{token.last_used_at:%Y-%m-%d}" if token.last_used_at else "never"
            accounts = token.accounts or "all accounts"
            self.stdout.write(f"{token.name}: {state}, last used {used}, {accounts}")
