import signal
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from mediapipe.processes import Supervisor, service


class Command(BaseCommand):
    """Migrate, then keep web, worker and beat running until Ctrl-C or SIGTERM."""

    help = "Serves for real: web, worker and beat in the foreground; Ctrl-C stops all of them."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        supervisor = Supervisor(service(settings.WEB_BIND))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: supervisor.stopping.set())
        with supervisor:
            self.stderr.write(f"The admin is at http://{settings.WEB_BIND}/admin/. Ctrl-C stops.")
            supervisor.watch()
            self.stderr.write("Stopping; the worker finishes the downloads that it has.")
