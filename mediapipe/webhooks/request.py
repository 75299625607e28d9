"""Django's request as the provider needs it: the URL as configured there, the body as bytes."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from mediapipe import providers
from mediapipe.gateway.send import HOPS
from mediapipe.providers.base import Provider, WebhookRequest
from mediapipe.providers.refusals import WebhookRefused, WebhookTooLarge, WebhookUnreadable


class WebhookLooped(WebhookRefused):
    """The request came from a gateway; passed on again, it could circulate forever."""

    status = 508


@dataclass(frozen=True, slots=True)
class ReceivedWebhook:
    """One webhook as it was received, with the provider and source of its URL.

    `forwarded` has the outcome for each app, by name, that got it during a database outage.
    """

    provider: Provider
    source: str
    received_at: datetime
    request: WebhookRequest
    forwarded: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        request = asdict(self.request) | {
            "body": b64encode(self.request.body).decode(),
            "headers": dict(self.request.headers),
        }
        return {
            "provider": self.provider.name,
            "source": self.source,
            "received_at": self.received_at.isoformat(),
            "request": request,
            "forwarded": dict(self.forwarded),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ReceivedWebhook:
        """Return the webhook from the values of to_json(), even of an older version."""
        request = values["request"]
        return cls(
            provider=providers.get(values["provider"]),
            source=values["source"],
            received_at=datetime.fromisoformat(values["received_at"]),
            request=WebhookRequest(**request | {"body": b64decode(request["body"])}),
            forwarded=values.get("forwarded", {}),
        )


def webhook_request(request: HttpRequest) -> WebhookRequest:
    """Return the request with its body, up to the cap; raise WebhookRefused otherwise."""
    if HOPS in request.headers:
        sentence = (
            "The request was passed on by a mediapipe: the url of an entry of GATEWAY_FILE there"
            " leads here, instead of to an app."
        )
        raise WebhookLooped("loop", sentence)
    # The URL that was signed. Behind a proxy only the configured origins are right (Twilio error
    # 57012); the provider tries the others.
    origin = settings.PUBLIC_BASE_URL or own_origin(request)
    return WebhookRequest(
        method=request.method or "",
        url=origin + request_target(request),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=bounded_body(request),
    )


def own_origin(request: HttpRequest) -> str:
    """Return the origin that the request itself names; raise WebhookUnreadable if it is not ours.

    "*" does not make it ours: a client could name the origin that it has a signature for.
    """
    listed = [host for host in settings.ALLOWED_HOSTS if host != "*"]
    with suppress(DisallowedHost):
        host = request.get_host()
        if validate_host(split_domain_port(host)[0], listed):
            return f"{request.scheme}://{host}"
    sent = request.headers.get("Host", "")[:100]
    sentence = (
        f"The Host header {sent!r} is not listed in DJANGO_ALLOWED_HOSTS, and without"
        " PUBLIC_BASE_URL it decides which URL was signed: set PUBLIC_BASE_URL to the origin"
        " at Twilio."
    )
    raise WebhookUnreadable("host_not_allowed", sentence)


def request_target(request: HttpRequest) -> str:
    """Return path and raw query, unchanged."""
    # The only place that keeps escapes, and a `?` followed by nothing, as they were sent.
    target = str(request.META.get("REQUEST_URI", ""))
    if target.startswith("/"):
        return target
    query = request.META.get("QUERY_STRING", "")
    return request.path + (f"?{query}" if query else "")


def bounded_body(request: HttpRequest) -> bytes:
    """Return the whole body; raise WebhookTooLarge or WebhookUnreadable.

    A body whose Content-Length is over the cap is not read.
    """
    cap: int = settings.WEBHOOK_MAX_BYTES
    too_large = WebhookTooLarge("body_too_large", f"The body is over {cap} bytes.")
    broken = WebhookUnreadable("body_broken", "The connection ended before the body did.")
    length = content_length(request)
    if length > cap:
        raise too_large
    try:
        # The web server has joined the chunks and set the Content-Length.
        body = request.body
    except RequestDataTooBig:
        raise too_large from None
    except OSError as error:
        raise broken from error
    if len(body) > cap:
        raise too_large
    # Django takes a connection that ends early for the end of the body.
    if len(body) < length:
        raise broken
    return body


def content_length(request: HttpRequest) -> int:
    """Return the Content-Length, 0 if there is none; raise WebhookUnreadable if it is invalid."""
    value = request.headers.get("Content-Length") or "0"
    # Django would respond 500: its int() raises for text and for thousands of digits.
    if not re.fullmatch(r"[0-9]{1,18}", value):
        sentence = "The Content-Length is not a number of bytes."
        raise WebhookUnreadable("content_length", sentence)
    return int(value)
