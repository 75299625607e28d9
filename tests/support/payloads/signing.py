"""Signs requests as Twilio does, with the standard library and none of the code under test."""

import base64
import hashlib
import hmac
from urllib.parse import parse_qsl

from mediapipe.providers.base import WebhookRequest
from tests.support.make import TOKEN

URL = "https://media.example.com/webhooks/twilio/messaging/"
FORM = "application/x-www-form-urlencoded; charset=UTF-8"


def sign(url: str, pairs: list[tuple[str, str]] | None = None, token: str = TOKEN) -> str:
    """Return the signature of a URL and parameters."""
    signed = url + "".join(name + value for name, value in sorted(set(pairs or [])))
    digest = hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def signed_form(
    body: str, *, url: str = URL, sent_to: str = "", token: str = TOKEN, **headers: str
) -> WebhookRequest:
    """Return a POST of this form, signed for `url` and sent there or to `sent_to`."""
    pairs = parse_qsl(body, keep_blank_values=True)
    return post(body.encode(), url=sent_to or url, signature=sign(url, pairs, token), **headers)


def post(
    body: bytes, *, url: str = URL, signature: str, content_type: str = FORM, **headers: str
) -> WebhookRequest:
    """Return a POST of this body with this signature, right or wrong."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"content-type": content_type, "x-twilio-signature": signature, **named}
    return WebhookRequest("POST", url, sent, body)


def signed_get(query: str, *, url: str = URL) -> WebhookRequest:
    """Return a GET with this raw query, which is signed as part of the URL."""
    target = f"{url}?{query}"
    return WebhookRequest("GET", target, {"x-twilio-signature": sign(target)}, b"")


def signed_json(body: str, *, url: str = URL) -> WebhookRequest:
    """Return a POST of JSON whose hash is in the signed URL."""
    target = f"{url}?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    return post(body.encode(), url=target, signature=sign(target), content_type="application/json")
