from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from mediapipe.operations import roles


class Command(BaseCommand):
    """A user has one role; the command replaces the one before."""

    help = "Puts a user into a role: viewer, support or administrator."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("role", choices=[role.lower() for role in roles.ROLES])
        parser.add_argument("--new", action="store_true", help="make the user; asks for a password")

    def handle(self, *args: Any, **options: Any) -> None:
        username, role = options["username"], options["role"].capitalize()
        user = self._new(username) if options["new"] else self._known(username)
        roles.assign(user, role)
        self.stdout.write(f"{username} is now in the role {role}.")
        if user.is_superuser:
            self.stdout.write(f"{username} is a superuser too, who may do everything in any role.")

    def _known(self, username: str) -> User:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username!r}. Make one with --new.")
        return user

    def _new(self, username: str) -> User:
        if User.objects.filter(username=username).exists():
            raise CommandError(f"There is a user {username!r} already: leave --new out.")
        user = User(username=username)
        password = getpass(f"Password for {username}: ")
        try:
            user.clean_fields(exclude=["password"])
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        user.set_password(password)
        user.save()
        return user
