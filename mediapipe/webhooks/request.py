"""Django's request as the provider needs it: the URL as configured there, the body as bytes."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from mediapipe.gateway.send import HOPS
from mediapipe.providers.base import (
    Provider,
    WebhookRefused,
    WebhookRequest,
    WebhookTooLarge,
    WebhookUnreadable,
)


class WebhookLooped(WebhookRefused):
    """A gateway sent the request: passed on again, it could go round for ever."""

    status = 508


@dataclass(frozen=True, slots=True)
class ReceivedWebhook:
    """One webhook as it was received, with the provider and source of its URL.

    `forwarded` has the outcome by the name of each app that got it while the database was away.
    """

    provider: Provider
    source: str
    received_at: datetime
    request: WebhookRequest
    forwarded: Mapping[str, str] = field(default_factory=dict)


def webhook_request(request: HttpRequest) -> WebhookRequest:
    """Return the request, its body read within the cap; raise WebhookRefused otherwise."""
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
    """Return the whole body; raise WebhookTooLarge without reading one that is over the cap."""
    cap: int = settings.WEBHOOK_MAX_BYTES
    too_large = WebhookTooLarge("body_too_large", f"The body is over {cap} bytes.")
    broken = WebhookUnreadable("body_broken", "The connection ended within the body.")
    length = content_length(request)
    if length > cap:
        raise too_large
    try:
        # The web server has put chunks together, and set the length.
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
    # Django would answer 500: its int() raises on text, and on more than some thousand digits.
    if not re.fullmatch(r"[0-9]{1,18}", value):
        sentence = "The Content-Length is not a number of bytes."
        raise WebhookUnreadable("content_length", sentence)
    return int(value)
