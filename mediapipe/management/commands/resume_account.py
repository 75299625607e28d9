from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mediapipe.management.arguments import add_by, known_account, responsible_user
from mediapipe.operations.manual_control import resume_account


class Command(BaseCommand):
    """Within seconds the dispatcher publishes the items that are due."""

    help = "Resumes an account that a user has paused."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", metavar="ACCOUNT_SID")
        add_by(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        account, user = known_account(options["account"]), responsible_user(options)
        if not resume_account(account, user):
            raise CommandError(f"No user has paused {account}. Nothing was changed.")
        self.stdout.write(f"{account} is resumed; due items start within seconds.")
