"""Configures GATEWAY_FILE, and makes webhooks as the gateway receives and keeps them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_django import Settings

from mediapipe.gateway.original import OriginalRequest
from mediapipe.models import GatewayDelivery
from mediapipe.providers.base import WebhookRequest
from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.webhooks import Method, sign
from tasks.gateway import deliver
from tests.support import make
from tests.support.waiting import eventually

OUR_URL = "https://media.example.com/webhooks/twilio/messaging/"
APP = {"name": "bot", "url": "https://bot.example/twilio"}
# Nothing listens there.
NOWHERE = "http://127.0.0.1:9/twilio"


class Published(list[tuple[int, float]]):
    """The id of each delivery whose task was published, and the `gap_s` it was published with."""

    def add(self, ids: list[int], gap_s: float = 0.0) -> None:
        self.extend((pk, gap_s) for pk in ids)

    def run(self) -> list[str]:
        """Run the published tasks, including those that they publish; return their results."""
        states = []
        while self:
            states.append(deliver(delivery_id=self.pop(0)[0]))
        return states


def configure(settings: Settings, folder: Path, *entries: dict[str, Any] | object) -> None:
    """Write these entries to GATEWAY_FILE; name and URL have defaults."""
    path = folder / "gateway.json"
    whole = [APP | entry if isinstance(entry, dict) else entry for entry in entries]
    path.write_text(json.dumps(whole))
    settings.GATEWAY_FILE = str(path)


def configure_one_app(settings: Settings, folder: Path, url: str, **options: Any) -> None:
    """Let GATEWAY_FILE have one app, whose senders get an empty response at once."""
    configure(settings, folder, {"url": url, "answer": "empty", **options})


def sms(sender: str = "+15550000002") -> Webhook:
    return payloads.sms(account_sid=make.ACCOUNT).changed(From=sender)


def only_delivery() -> GatewayDelivery:
    return GatewayDelivery.objects.get()


def received(
    webhook: Webhook | None = None, url: str = OUR_URL, method: Method = "POST", **headers: str
) -> WebhookRequest:
    """Return a webhook as it arrives at our URL; `_` in a header's name becomes `-`."""
    webhook = webhook or payloads.mms(1, account_sid=make.ACCOUNT)
    signed = sign(webhook, url, make.TOKEN, method=method)
    names = {name.lower(): value for name, value in signed.headers.items()}
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return WebhookRequest(method, signed.url, names | more, signed.body.encode())


def original(
    webhook: Webhook | None = None, url: str = OUR_URL, method: Method = "POST", **headers: str
) -> OriginalRequest:
    """Return the same webhook as the gateway keeps it."""
    return OriginalRequest.of(received(webhook, url, method, **headers))


def wait_for_delivery(status: str, **values: Any) -> GatewayDelivery:
    """Wait for the only delivery to end like this, and return it."""
    eventually(lambda: GatewayDelivery.objects.filter(status=status, **values).exists())
    return GatewayDelivery.objects.get()
