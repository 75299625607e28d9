"""Webhooks as Twilio sends them, through Django's test client."""

from __future__ import annotations

import urllib.request
from datetime import UTC, datetime
from typing import Any

from django.test import Client

from mediapipe.providers import twilio
from mediapipe.providers.base import WebhookRequest
from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.webhooks import PATHS, Method, Signature, sign
from mediapipe.webhooks.request import ReceivedWebhook
from tests.support import make

ORIGIN = "http://testserver"

MESSAGING = PATHS["messaging"]
FORM = "application/x-www-form-urlencoded"


def send(
    webhook: Webhook, path: str = "", method: Method = "POST", signature: Signature = "right"
) -> Any:
    """Send a webhook as Twilio would, through Django's test client; return the response."""
    url = ORIGIN + (path or PATHS[webhook.source])
    request = sign(webhook, url, make.TOKEN, method=method, signature=signature)
    headers = {k: v for k, v in request.headers.items() if k != "Content-Type"}
    client = Client(raise_request_exception=True)
    target = request.url.removeprefix(ORIGIN)
    if method == "GET":
        return client.get(target, headers=headers)
    return client.post(target, request.body, content_type=FORM, headers=headers)


def post(webhook: Webhook, url: str, token: str) -> bytes:
    """Send a webhook over a socket; return the body of the response, which must be a 200."""
    signed = sign(webhook, url, token)
    request = urllib.request.Request(signed.url, signed.body.encode(), signed.headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        assert response.status == 200
        body: bytes = response.read()
        return body


def mms(count: int = 1, **options: Any) -> Webhook:
    return payloads.mms(count, account_sid=make.ACCOUNT, **options)


REQUEST = WebhookRequest("POST", "https://h/p?q=%20", {"x-twilio-signature": "s"}, b"a=\xff")
ARRIVED = ReceivedWebhook(twilio, "messaging", datetime(2026, 3, 1, 12, tzinfo=UTC), REQUEST)
