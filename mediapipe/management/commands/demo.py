import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from mediapipe.management.demo.run import DemoFailed, run, shell_line
from mediapipe.settings.web import local_url


class Command(BaseCommand):
    """Exit status 0 only if every media item was stored with the bytes the simulator served."""

    help = "Runs the whole service against the Twilio simulator and verifies the result."
    # The demo brings its own credentials.
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console()
        call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
        password = self._login()
        try:
            result = run(console)
        except DemoFailed as failure:
            raise CommandError(str(failure)) from failure
        console.print(result.report.table())
        console.print(result.apps.table())
        console.print("\nTo see the results in the admin, run")
        console.print(f"  {shell_line(result.env)}", soft_wrap=True, highlight=False)
        console.print(
            f"and open {local_url(settings.WEB_BIND)}/admin/ as demo, password {password}"
        )
        if result.problems:
            raise CommandError("\n".join(["The demo failed:", *result.problems]))
        console.print("\nEvery media item was stored with the bytes that the simulator served.")

    def _login(self) -> str:
        password = secrets.token_urlsafe(9)
        user, _ = get_user_model().objects.get_or_create(username="demo")
        user.is_staff = user.is_superuser = True
        user.set_password(password)
        user.save()
        return password
