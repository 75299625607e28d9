from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mediapipe.management.arguments import add_reason, known_account, reason_of, responsible_user
from mediapipe.operations.manual_control import pause_account


class Command(BaseCommand):
    """Running it twice is harmless: the first pause and its reason stay."""

    help = "Pauses an account: nothing is fetched for it until manage.py resume_account."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", metavar="ACCOUNT_SID")
        add_reason(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        account, user = known_account(options["account"]), responsible_user(options)
        if not pause_account(account, user, reason_of(options)):
            raise CommandError(f"{account} is already paused by a user. Nothing was changed.")
        self.stdout.write(f"{account} is paused until manage.py resume_account {account}.")
