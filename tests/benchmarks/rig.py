"""A benchmark's own databases, brokers and servers, removed afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mediapipe.operations import programs
from mediapipe.operations.programs import Program
from mediapipe.operations.supervisor import Supervisor
from mediapipe.simulator.script import ACCOUNT_SID, AUTH_TOKEN
from tests.benchmarks import records
from tests.support import servers

DATABASES = ("sqlite", "postgresql")
BROKERS = ("embedded", "rabbitmq", "redis")
SERVERS = ("DATABASE_URL", "CELERY_BROKER_URL", "PUBLIC_BASE_URL", "STORAGE_URL", "MEDIA_ROOT")


@dataclass(frozen=True)
class Rig:
    """A migrated database, a broker, and the environment variables that point to both."""

    folder: Path
    env: dict[str, str]

    @contextmanager
    def running(self, *programs: Program, **env: str) -> Iterator[Supervisor]:
        """Run programs in this environment, with their logs in the rig's folder."""
        logs = self.folder / "logs"
        with Supervisor(programs, env=self.env | env, log_dir=logs) as supervisor:
            yield supervisor

    def manage(self, *arguments: str, timeout_s: float = 600) -> None:
        """Run a management command in this environment."""
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=records.ROOT, env=self.env, check=True, timeout=timeout_s)

    def log(self, name: str) -> str:
        """Return what a program has written so far."""
        return (self.folder / "logs" / f"{name}.log").read_text()


@contextmanager
def rig(database: str, broker: str | None, **env: str) -> Iterator[Rig]:
    """Yield a rig on one of DATABASES and one of BROKERS.

    With the database `given`, `env` names an existing one. With the broker `memory` each process
    has its own; None is for a benchmark that runs its own.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        # Empty values stand for the defaults, whatever the shell or a .env file sets.
        whole = os.environ | dict.fromkeys(SERVERS, "")
        whole |= {"DATA_DIR": str(folder), "LOG_LEVEL": "WARNING"}
        whole |= {"TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": AUTH_TOKEN} | env
        if database == "postgresql":
            whole["DATABASE_URL"] = stack.enter_context(servers.postgresql())
        made = Rig(folder, whole)
        if broker:
            stack.enter_context(_broker(broker, made))
        made.manage("migrate", "--verbosity=0")
        yield made


@contextmanager
def _broker(kind: str, made: Rig) -> Iterator[None]:
    if kind == "embedded":
        is_ready = (made.folder / "broker.sock").exists
        with made.running(replace(programs.broker(), is_ready=is_ready)):
            yield
        return
    if kind == "memory":
        made.env["CELERY_BROKER_WRITE_URL"] = "memory://"
        yield
        return
    with servers.rabbitmq() if kind == "rabbitmq" else servers.redis_number() as url:
        made.env["CELERY_BROKER_URL"] = url
        yield


def wait_for_log(made: Rig, name: str, text: str, timeout_s: float = 60) -> None:
    """Wait until a program has logged this text; raise TimeoutError if it does not."""
    deadline = time.monotonic() + timeout_s
    while text not in made.log(name):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} did not log {text!r}: {made.log(name)[-2000:]}")
        time.sleep(0.1)


def use(env: Mapping[str, str]) -> None:
    """Start Django in this process, on the database and broker of a rig."""
    import django

    os.environ |= env
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mediapipe.settings")
    # Importing mediapipe.settings.queues has already executed the package in the environment
    # outside the rig: Django would find it imported, and use another database.
    sys.modules.pop("mediapipe.settings", None)
    django.setup()
