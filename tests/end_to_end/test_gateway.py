"""Two apps that fetch media immediately, as chatwoot does: one behind the gateway, one not."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from mediapipe.management.demo.script import make_late
from mediapipe.operations import programs
from mediapipe.settings.queues import QUEUES
from mediapipe.simulator import payloads
from mediapipe.simulator.app import MediaApp, media_app
from mediapipe.simulator.payloads import Webhook
from tests.support import servers
from tests.support.service import Service, running, unexpected_errors

pytestmark = pytest.mark.services

# docs/gateway.md has the figures of a run with GATEWAY_MESSAGES=500.
MESSAGES = int(os.environ.get("GATEWAY_MESSAGES", "60"))
RATE = 20.0
# Longer than the longest delay of the demo's media plus the fetch.
HOLD = "90s"


@dataclass(frozen=True)
class System:
    """The service, the app behind it, and an app to which Twilio sends messages directly."""

    service: Service
    gateway_app: MediaApp
    direct_app: MediaApp


@pytest.fixture(params=["postgresql-rabbitmq", "embedded"])
def system(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[System]:
    with ExitStack() as stack:
        gateway_app, direct_app = stack.enter_context(media_app()), stack.enter_context(media_app())
        entries = tmp_path / "gateway.json"
        entry = {"name": "desk", "url": gateway_app.url, "answer": "empty", "hold": HOLD}
        entries.write_text(json.dumps([entry]))
        env = {"GATEWAY_FILE": str(entries)}
        if request.param != "embedded":
            env["DATABASE_URL"] = stack.enter_context(servers.postgresql())
            env["CELERY_BROKER_URL"] = stack.enter_context(servers.rabbitmq())
        workers = [programs.worker(queue) for queue in QUEUES]
        service = stack.enter_context(running(tmp_path / "data", workers, **env))
        yield System(service, gateway_app, direct_app)


def stream(system: System, messages: list[Webhook], others: list[Webhook]) -> set[int]:
    """Send each app its messages at RATE per second; return the service's statuses."""
    with ThreadPoolExecutor(32) as pool:
        began, sent = time.monotonic(), []
        for number, (message, other) in enumerate(zip(messages, others, strict=True)):
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
            sent.append(pool.submit(system.service.twilio.send, message))
            pool.submit(system.service.twilio.send, other, to=system.direct_app.url)
    return {each.result() for each in sent}


def pictures(seed: int) -> list[Webhook]:
    """Return picture messages from many senders, with the delays of the demo."""
    messages = [payloads.mms().changed(From=f"+1555{number:07}") for number in range(MESSAGES)]
    make_late(messages, random.Random(seed))
    return messages


def wait_for(app: MediaApp, media: int, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while app.ended < media and time.monotonic() < deadline:
        time.sleep(0.5)


def test_an_app_behind_the_gateway_fetches_every_file_without_an_early_404(system: System) -> None:
    messages, others = pictures(1), pictures(2)
    assert stream(system, messages, others) == {200}
    wait_for(system.gateway_app, MESSAGES, timeout_s=180)
    wait_for(system.direct_app, MESSAGES, timeout_s=60)
    gateway_app, direct_app = system.gateway_app, system.direct_app
    print(  # noqa: T201
        f"\n{MESSAGES} files each: behind the gateway {gateway_app.early_404s} 404s,"
        f" {gateway_app.lost} lost; without it {direct_app.early_404s} 404s, {direct_app.lost} lost"
    )
    assert gateway_app.messages == {message["MessageSid"]: 1 for message in messages}
    assert (gateway_app.refused, gateway_app.early_404s, gateway_app.lost) == (0, 0, 0)
    assert gateway_app.fetched == MESSAGES
    assert direct_app.lost > 0
    assert unexpected_errors(Path(system.service.env["DATA_DIR"]) / "logs") == []
