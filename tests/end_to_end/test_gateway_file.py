"""GATEWAY_FILE is edited, broken and removed while the service runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mediapipe.operations import programs
from mediapipe.simulator import payloads
from mediapipe.simulator.app import MediaApp, media_app
from tests.support.service import Service, running, wait_for_line

pytestmark = pytest.mark.services

STATES = (
    "from mediapipe.models import *; print(*GatewayDelivery.objects.values_list({}), sep='\\n')"
)
AGE = (
    "from datetime import timedelta; from django.utils import timezone; from mediapipe.models"
    " import *; GatewayDelivery.objects.update(received_at=timezone.now() - timedelta(hours=1))"
)

# What each process logs once it has read the file, and how many processes a program has.
READY = {"web": ("GATEWAY_FILE (", 2), "worker": (" ready.", 1)}


@dataclass(frozen=True)
class System:
    """The service, the app behind it, and its GATEWAY_FILE."""

    service: Service
    app: MediaApp
    file: Path

    def write(self, name: str = "desk", **entry: str) -> None:
        values = {"name": name, "url": self.app.url, "answer": "empty"} | entry
        self.file.write_text(json.dumps([values], indent=1))

    def restart(self, name: str) -> None:
        """Restart a program, and wait until it has read the file."""
        ready, processes = READY[name]
        before = self.log(name).read_text().count(ready)
        self.service.supervisor.end(name)
        self.service.supervisor.start(name)
        wait_until(lambda: self.log(name).read_text().count(ready) >= before + processes)

    def send(self) -> str:
        """Send a picture message, which must be accepted; return its SID."""
        message = payloads.mms()
        assert self.service.twilio.send(message) == 200
        return message["MessageSid"]

    def log(self, name: str) -> Path:
        return Path(self.service.env["DATA_DIR"]) / "logs" / f"{name}.log"

    def spooled(self) -> int:
        return len(list((Path(self.service.env["DATA_DIR"]) / "spool").glob("*.webhook")))


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with media_app() as app:
        file = tmp_path / "gateway.json"
        file.write_text("[]")
        env = {"GATEWAY_FILE": str(file), "REDISPATCH_INTERVAL": "2s"}
        with running(tmp_path / "data", [programs.worker()], **env) as service:
            yield System(service, app, file)


def wait_until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert condition()


def test_only_a_restarted_service_spools_webhooks_while_the_file_is_invalid(
    system: System,
) -> None:
    system.write()
    system.restart("web")
    system.restart("worker")
    system.file.write_text('[\n {"name": "desk",}\n]')
    first = system.send()
    wait_until(lambda: system.app.messages[first] == 1)
    system.restart("web")
    system.restart("worker")
    second = system.send()
    assert system.spooled() == 1
    wait_for_line(system.log("web"), f"GATEWAY_FILE ({system.file}) is not JSON:")
    wait_for_line(system.log("web"), "in line 2. Webhooks are spooled")
    wait_for_line(system.log("worker"), "in line 2. Webhooks are spooled")
    system.write()
    wait_until(lambda: system.app.messages[second] == 1)
    wait_until(lambda: system.app.fetched == 2)
    # The file is removed after its message was published.
    wait_until(lambda: system.spooled() == 0)
    assert system.app.early_404s == 0


def test_a_missing_gateway_file_is_logged_and_messages_wait_for_it(system: System) -> None:
    system.write()
    system.file.rename(system.file.with_suffix(".old"))
    system.restart("web")
    message = system.send()
    log_line = f"GATEWAY_FILE ({system.file}) cannot be read: No such file or directory."
    wait_for_line(system.log("web"), log_line)
    system.file.with_suffix(".old").rename(system.file)
    # The worker read the empty list at its start, and does not know the app yet.
    wait_until(lambda: system.spooled() == 0)
    assert not system.app.messages
    system.restart("worker")
    wait_until(lambda: system.app.messages[message] == 1)


def test_the_messages_of_a_renamed_entry_are_dropped_with_a_recorded_reason(system: System) -> None:
    # Held for media that never comes.
    system.write(hold="1h")
    system.restart("web")
    message = payloads.mms(delay_s=3600)
    assert system.service.twilio.send(message) == 200
    system.write(name="helpdesk")
    system.restart("web")
    system.restart("worker")
    system.service.manage("shell", "-c", AGE)

    def states() -> str:
        return system.service.manage("shell", "-c", STATES.format("'entry', 'status', 'detail'"))

    wait_until(lambda: "('desk', 'dropped', 'The app is no longer in GATEWAY_FILE.')" in states())
    assert not system.app.messages
