"""GATEWAY_FILE, and what a webhook looks like that is passed on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_django import Settings

from mediapipe.gateway.original import OriginalRequest
from mediapipe.providers.base import WebhookRequest
from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.webhooks import Method, sign
from tests.support import make

OURS = "https://media.example.com/webhooks/twilio/messaging/"
APP = {"name": "bot", "url": "https://bot.example/twilio"}


def configure(settings: Settings, folder: Path, *entries: dict[str, Any] | object) -> None:
    """Let GATEWAY_FILE have these entries, each with name and URL unless it has its own."""
    path = folder / "gateway.json"
    whole = [APP | entry if isinstance(entry, dict) else entry for entry in entries]
    path.write_text(json.dumps(whole))
    settings.GATEWAY_FILE = str(path)


def received(
    webhook: Webhook | None = None, url: str = OURS, method: Method = "POST", **headers: str
) -> WebhookRequest:
    """Return a webhook as it arrives at our URL; `_` in a header's name becomes `-`."""
    webhook = webhook or payloads.mms(1, account_sid=make.ACCOUNT)
    signed = sign(webhook, url, make.TOKEN, method=method)
    names = {name.lower(): value for name, value in signed.headers.items()}
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return WebhookRequest(method, signed.url, names | more, signed.body.encode())


def original(
    webhook: Webhook | None = None, url: str = OURS, method: Method = "POST", **headers: str
) -> OriginalRequest:
    """Return the same as it is kept."""
    return OriginalRequest.of(received(webhook, url, method, **headers))
