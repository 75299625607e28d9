"""The cases of W: a request, and whether it is accepted as Twilio's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mediapipe.providers.base import WebhookRequest
from tests.support.bad_input.cases import MESSAGING, ONE_PICTURE, BadRequest, signed
from tests.support.payloads import signing

GOOD = signing.sign(MESSAGING, list(ONE_PICTURE))
PICTURE = ("queued",)
ACCOUNTS = {
    "TWILIO_ACCOUNT_SID": "",
    "TWILIO_AUTH_TOKEN": "",
    "TWILIO_ACCOUNTS_FILE": str(Path(__file__).parent / "accounts.json"),
}
PUBLIC = {"PUBLIC_BASE_URL": "https://media.example.com"}
PUBLIC_URL = "https://media.example.com/webhooks/twilio/messaging/"
SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"


def without(request: WebhookRequest, *headers: str) -> WebhookRequest:
    kept = {name: value for name, value in request.headers.items() if name not in headers}
    return replace(request, headers=kept)


def forged(name: str, request: WebhookRequest, reason: str = "signature_wrong") -> BadRequest:
    return BadRequest(name, request, 403, reason)


def good(name: str, request: WebhookRequest, media: tuple[str, ...] = PICTURE) -> BadRequest:
    return BadRequest(name, request, 200, media=media)


def to(url: str) -> WebhookRequest:
    """Return a request that is signed for this URL and sent to the real one."""
    return signed(url=url, sent_to=MESSAGING)
