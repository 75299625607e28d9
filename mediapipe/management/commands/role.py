from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from mediapipe.management.arguments import answer
from mediapipe.operations import roles


class Command(BaseCommand):
    """A user has one role; this replaces it."""

    help = "Assigns a role to a user: viewer, support or administrator."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("role", choices=[role.lower() for role in roles.ROLES])
        parser.add_argument(
            "--new", action="store_true", help="create the user; asks for a password"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        username, role = options["username"], options["role"].capitalize()
        user = User.objects.filter(username=username).first()
        if options["new"]:
            if user is not None:
                raise CommandError(f"User {username!r} already exists: omit --new.")
            user = self._create(username)
        elif user is None:
            raise CommandError(f"User {username!r} does not exist. Create it with --new.")
        roles.assign(user, role)
        self.stdout.write(f"{username} now has the role {role}.")
        if user.is_superuser:
            self.stdout.write(f"{username} is also a superuser, so the role limits nothing.")

    def _create(self, username: str) -> User:
        user = User(username=username)
        password = answer(f"Password for {username}: ", getpass)
        try:
            user.clean_fields(exclude=["password"])
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        user.set_password(password)
        user.save()
        return user
