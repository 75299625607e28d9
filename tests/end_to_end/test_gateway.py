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
class World:
    """The service, the app behind it, and an app to which Twilio sends messages directly."""

    service: Service
    behind: MediaApp
    alone: MediaApp


@pytest.fixture(params=["postgresql-rabbitmq", "embedded"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        behind, alone = stack.enter_context(media_app()), stack.enter_context(media_app())
        entries = tmp_path / "gateway.json"
        entry = {"name": "desk", "url": behind.url, "answer": "empty", "hold": HOLD}
        entries.write_text(json.dumps([entry]))
        env = {"GATEWAY_FILE": str(entries)}
        if request.param != "embedded":
            env["DATABASE_URL"] = stack.enter_context(servers.postgresql())
            env["CELERY_BROKER_URL"] = stack.enter_context(servers.rabbitmq())
        workers = [programs.worker(queue) for queue in QUEUES]
        service = stack.enter_context(running(tmp_path / "data", workers, **env))
        yield World(service, behind, alone)


def stream(world: World, messages: list[Webhook], others: list[Webhook]) -> set[int]:
    """Send each app its messages at RATE per second; return the service's statuses."""
    with ThreadPoolExecutor(32) as pool:
        began, sent = time.monotonic(), []
        for place, (message, other) in enumerate(zip(messages, others, strict=True)):
            time.sleep(max(0.0, began + place / RATE - time.monotonic()))
            sent.append(pool.submit(world.service.twilio.send, message))
            pool.submit(world.service.twilio.send, other, to=world.alone.url)
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


def test_an_app_behind_the_gateway_fetches_every_file_without_an_early_404(world: World) -> None:
    messages, others = pictures(1), pictures(2)
    assert stream(world, messages, others) == {200}
    wait_for(world.behind, MESSAGES, timeout_s=180)
    wait_for(world.alone, MESSAGES, timeout_s=60)
    behind, alone = world.behind, world.alone
    print(  # noqa: T201
        f"\n{MESSAGES} files each: behind the gateway {behind.early_404s} 404s, {behind.lost} lost;"
        f" without it {alone.early_404s} 404s, {alone.lost} lost"
    )
    assert behind.messages == {message["MessageSid"]: 1 for message in messages}
    assert (behind.refused, behind.early_404s, behind.lost) == (0, 0, 0)
    assert behind.fetched == MESSAGES
    assert alone.lost > 0
    assert unexpected_errors(Path(world.service.env["DATA_DIR"]) / "logs") == []
