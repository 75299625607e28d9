"""The service on two web servers, in front of apps that record each request."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mediapipe.operations import programs
from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.script import AUTH_TOKEN
from mediapipe.simulator.webhooks import PATHS
from tests.faults import short_timeouts, world
from tests.faults.world import World
from tests.support import servers
from tests.support.apps import App, ReceivedRequest, Reply, app
from tests.support.service import LONG_S, wait_until_ready
from tests.support.webhooks import post

# The recipients whose messages go to a bot, a helpdesk, and the other web server of the service.
BOT, DESK, ROUND = "+15550009001", "+15550009002", "+15550009003"
PACE = 1
DELIVERY = """
    SELECT delivery.status, delivery.detail, delivery.attempts, event.repeats
    FROM mediapipe_gatewaydelivery delivery JOIN mediapipe_webhookevent event
    ON event.id = delivery.event_id WHERE event.subject_sid = %s
"""


@dataclass(frozen=True)
class Gateway:
    """Both web servers, the app that answers Twilio, and the one that gets its messages later."""

    world: World
    hosts: tuple[str, str]
    bot: App
    desk: App

    def post(self, webhook: Webhook, host: int = 0) -> bytes:
        """Send a webhook to one of the web servers; return the body of the response."""
        return post(webhook, self.hosts[host] + PATHS["messaging"], AUTH_TOKEN)

    def delivery(self, webhook: Webhook) -> dict[str, Any]:
        """Return what the service knows of the delivery, and how often Twilio repeated it."""
        with servers.cursor(self.world.judge.database_url) as cursor:
            cursor.execute(DELIVERY, [webhook["MessageSid"]])
            row = cursor.fetchone()
        return dict(zip(("status", "detail", "attempts", "repeats"), row or (), strict=False))

    def wait_for(self, webhook: Webhook, **values: object) -> dict[str, Any]:
        """Return the delivery once it has these values."""
        deadline = time.monotonic() + LONG_S
        while not values.items() <= (delivery := self.delivery(webhook)).items():
            assert time.monotonic() < deadline, f"{delivery} never had {values}"
            time.sleep(0.1)
        return delivery

    def restore(self) -> None:
        """Undo every fault, and forget the requests."""
        self.world.restore()
        wait_until_ready(self.hosts[1])
        for each in (self.bot, self.desk):
            each.answer = lambda got: Reply()
            each.requests.clear()


def sms(to: str, **changes: str) -> Webhook:
    return payloads.sms().changed(To=to, **changes)


def forwarded_requests(app: App, webhook: Webhook) -> list[ReceivedRequest]:
    """Return the requests with this message that came through the service."""
    sid = webhook["MessageSid"].encode()
    return [got for got in app.requests if sid in got.body and "x-mediapipe-hops" in got.headers]


@contextmanager
def running(folder: Path) -> Iterator[Gateway]:
    """Run the service on PostgreSQL and RabbitMQ with two web servers and two apps."""
    bind = f"127.0.0.1:{servers.free_port()}"
    other = f"http://{bind}"
    with ExitStack() as stack:
        bot, desk = stack.enter_context(app()), stack.enter_context(app())
        entries = [
            {"name": "bot", "url": bot.url, "to": [BOT]},
            {"name": "desk", "url": desk.url, "to": [DESK], "answer": "empty", "pace": f"{PACE}/s"},
            {"name": "round", "url": other + PATHS["messaging"], "to": [ROUND]},
        ]
        file = folder / "gateway.json"
        file.write_text(json.dumps(entries))
        database_url = stack.enter_context(servers.postgresql())
        broker_url = stack.enter_context(servers.rabbitmq())
        second = replace(programs.web(bind), name="web-2")
        env = short_timeouts.ENVIRONMENT | {"GATEWAY_FILE": str(file)}
        service = world.running(folder / "data", database_url, broker_url, [second], env)
        running = stack.enter_context(service)
        wait_until_ready(other)
        yield Gateway(running, (running.url, other), bot, desk)
