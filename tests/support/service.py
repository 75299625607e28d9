"""The whole service as real processes, inspected through its own commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mediapipe.operations import programs
from mediapipe.operations.programs import Program
from mediapipe.operations.supervisor import Supervisor
from mediapipe.settings.network import CA_VARIABLES, PROXY_VARIABLES
from mediapipe.simulator import Simulator
from tests.support.servers import free_port

IGNORED = {*PROXY_VARIABLES, *CA_VARIABLES}
ROOT = Path(__file__).resolve().parent.parent.parent
# Longer than any wait takes on a busy machine: only a test that fails waits this long.
LONG_S = 120.0
Line = dict[str, Any]


@dataclass(frozen=True)
class Service:
    """A running service, its simulated Twilio, and its environment."""

    url: str
    env: dict[str, str]
    supervisor: Supervisor
    twilio: Simulator

    def manage(self, *arguments: str) -> str:
        """Run a management command in the service's environment; return its output."""
        try:
            done = subprocess.run(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env=self.env,
                check=True,
                capture_output=True,
                text=True,
                timeout=LONG_S,
            )
        except subprocess.CalledProcessError as error:
            error.add_note(error.stderr)  # otherwise a failed test would not show it
            raise
        return done.stdout

    def export(self, *arguments: str) -> list[Line]:
        """Return the output of `export_media`, one entry per media item."""
        return [json.loads(line) for line in self.manage("export_media", *arguments).splitlines()]

    def wait_until_settled(self, media: int, timeout_s: float = 120) -> list[Line]:
        """Wait until the export has this many items, all final; return it, also at the timeout."""
        return wait_for(
            self.export,
            lambda lines: len(lines) >= media and all(map(is_final, lines)),
            timeout_s,
        )

    def stored_bytes(self, line: Line) -> bytes:
        """Return the stored file of an exported item."""
        path: Path = Path(self.env["DATA_DIR"]) / "media" / line["storage_name"]
        return path.read_bytes()


def unexpected_errors(log_dir: Path) -> list[str]:
    """Return the log lines that report a task that ended with an unexpected exception."""
    lines = (line for log in log_dir.glob("*.log") for line in log.read_text().splitlines())
    return [line for line in lines if "raised unexpected" in line]


def is_final(line: Line) -> bool:
    return line["status"] in {"stored", "failed", "absent"}


def wait_for(
    fetch: Callable[[], list[Line]], is_done: Callable[[list[Line]], bool], timeout_s: float
) -> list[Line]:
    """Poll until `is_done`; return the last lines, also at the timeout."""
    deadline = time.monotonic() + timeout_s
    while not is_done(lines := fetch()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return lines


@contextmanager
def running(data_dir: Path, workers: Sequence[Program] = (), /, **env: str) -> Iterator[Service]:
    """Run web, workers and beat with a simulated Twilio.

    Without `workers`, one worker serves all queues; without CELERY_BROKER_URL, the embedded broker
    runs as well.
    """
    workers = workers or [programs.worker()]
    bind = f"127.0.0.1:{free_port()}"
    with Simulator(service=f"http://{bind}") as twilio:
        # Leave out variables of this machine that a system check would warn about.
        inherited = {name: os.environ[name] for name in os.environ if name not in IGNORED}
        whole = {**inherited, **twilio.environment(), "DATA_DIR": str(data_dir), **env}
        parts = [programs.web(bind), *workers, programs.beat()]
        if "CELERY_BROKER_URL" not in env:
            parts.insert(0, replace(programs.broker(), is_ready=(data_dir / "broker.sock").exists))
        supervisor = Supervisor(parts, env=whole, log_dir=data_dir / "logs")
        service = Service(f"http://{bind}", whole, supervisor, twilio)
        service.manage("migrate", "--verbosity=0")
        with supervisor:
            wait_until_ready(service.url)
            for worker in workers:
                wait_for_line(data_dir / "logs" / f"{worker.name}.log", " ready.")
            yield service


def wait_for_line(log: Path, text: str) -> None:
    """Wait until a program's log contains this text."""
    deadline = time.monotonic() + LONG_S
    while text not in log.read_text():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{log} did not log {text!r}")
        time.sleep(0.1)


def wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + LONG_S
    while not is_ready(url):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} did not become ready")
        time.sleep(0.2)


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as response:  # noqa: S310
            return bool(json.load(response)["broker"])
    except OSError:
        return False
