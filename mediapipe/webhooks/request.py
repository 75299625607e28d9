"""Django's request as the provider sees it: the URL as it was configured, the body as bytes."""

import re

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from gunicorn.http.errors import ParseException

from mediapipe.providers.base import WebhookRequest, WebhookTooLarge, WebhookUnreadable


def webhook_request(request: HttpRequest) -> WebhookRequest:
    """Return the request, its body read within the cap; raise WebhookRefused otherwise."""
    return WebhookRequest(
        method=request.method or "",
        url=configured_url(request),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=bounded_body(request),
    )


def configured_url(request: HttpRequest) -> str:
    """Return the URL that Twilio signed: the public origin and the request target, untouched.

    Behind a proxy only PUBLIC_BASE_URL knows the origin (Twilio error 57012).
    """
    origin = settings.PUBLIC_BASE_URL or f"{request.scheme}://{request.get_host()}"
    return origin + request_target(request)


def request_target(request: HttpRequest) -> str:
    """Return path and raw query; gunicorn alone keeps a `?` that nothing follows."""
    target = str(request.META.get("RAW_URI", ""))
    if target.startswith("/"):
        return target
    query = request.META.get("QUERY_STRING", "")
    return request.path + (f"?{query}" if query else "")


def bounded_body(request: HttpRequest) -> bytes:
    """Return the whole body; raise WebhookTooLarge without reading one that is over the cap."""
    announced = announced_bytes(request)
    if announced > settings.WEBHOOK_MAX_BYTES:
        raise too_large()
    try:
        body = chunked_body(request) if is_chunked(request) else request.body
    except RequestDataTooBig:
        raise too_large() from None
    except (OSError, ParseException) as error:
        raise broken() from error
    # Django takes a connection that ends early for the end of the body.
    if len(body) < announced:
        raise broken()
    return body


def announced_bytes(request: HttpRequest) -> int:
    """Return the Content-Length; Django would raise a ValueError over one that is no number."""
    announced = request.headers.get("Content-Length") or "0"
    # int() itself raises over some thousand digits.
    if not re.fullmatch(r"[0-9]{1,18}", announced):
        sentence = "The Content-Length is not a number of bytes."
        raise WebhookUnreadable("content_length", sentence)
    return int(announced)


def is_chunked(request: HttpRequest) -> bool:
    """Return whether the web server tells where the body ends, because no length does."""
    unknown_length = "Content-Length" not in request.headers
    return unknown_length and bool(request.META.get("wsgi.input_terminated"))


def chunked_body(request: HttpRequest) -> bytes:
    """Return a body in chunks, as some proxies forward it; Django alone would read nothing."""
    cap: int = settings.WEBHOOK_MAX_BYTES
    body: bytes = request.META["wsgi.input"].read(cap + 1)
    if len(body) > cap:
        raise too_large()
    return body


def broken() -> WebhookUnreadable:
    return WebhookUnreadable("body_broken", "The connection ended within the body.")


def too_large() -> WebhookTooLarge:
    cap = settings.WEBHOOK_MAX_BYTES
    return WebhookTooLarge("body_too_large", f"The body is over {cap} bytes.")
