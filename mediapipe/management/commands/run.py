import socket
import time
from errno import EADDRINUSE
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from mediapipe.operations.programs import service
from mediapipe.operations.supervisor import Supervisor
from mediapipe.settings.web import local_url

ADDRESS_IN_USE = "address in use"
# After a run is killed, its programs exit within about this time.
PREDECESSOR_S = 5.0


class Command(BaseCommand):
    """Migrate, then keep web, worker and beat running until Ctrl-C or SIGTERM."""

    help = "Migrates, then runs web, workers and beat in the foreground until Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        self._check_address()
        call_command("migrate", verbosity=0, interactive=False)
        supervisor = Supervisor(service(settings.WEB_BIND))
        supervisor.stop_on_signals()
        with supervisor:
            self.stderr.write(
                f"The admin is at {local_url(settings.WEB_BIND)}/admin/. Ctrl-C stops it."
            )
            supervisor.watch()
            self.stderr.write("Stopping; the worker finishes its current downloads.")

    def _check_address(self) -> None:
        """Raise CommandError now: a gunicorn that cannot bind would be restarted over and over."""
        deadline = time.monotonic() + PREDECESSOR_S
        while (reason := self._bind_error()) == ADDRESS_IN_USE and time.monotonic() < deadline:
            time.sleep(0.2)
        if reason:
            raise CommandError(
                f"Cannot bind WEB_BIND {settings.WEB_BIND}: {reason}. "
                "Set it to a free host:port, such as 127.0.0.1:8001."
            )

    def _bind_error(self) -> str:
        host, colon, port = settings.WEB_BIND.rpartition(":")
        family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
        try:
            if not colon:
                return "no port"
            with socket.socket(family) as probe:
                # As gunicorn does: connections of an earlier run may still be in TIME_WAIT.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host.strip("[]"), int(port)))
        except (OSError, ValueError, OverflowError) as error:
            return ADDRESS_IN_USE if getattr(error, "errno", 0) == EADDRINUSE else str(error)
        return ""
