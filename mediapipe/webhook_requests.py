"""Django's request as the provider sees it: the URL as it was configured, the body as bytes."""

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError

from mediapipe.failures import WebhookTooLarge, WebhookUnreadable
from mediapipe.providers.base import WebhookRequest


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
    """Return the body; raise WebhookTooLarge without reading one that says it is over the cap."""
    announced = request.headers.get("Content-Length", "0")
    if announced.isdecimal() and int(announced) > settings.WEBHOOK_MAX_BYTES:
        raise too_large()
    try:
        return request.body
    except RequestDataTooBig:
        raise too_large() from None
    except UnreadablePostError as error:
        raise WebhookUnreadable("body_broken", "The connection ended within the body.") from error


def too_large() -> WebhookTooLarge:
    cap = settings.WEBHOOK_MAX_BYTES
    return WebhookTooLarge("body_too_large", f"The body is over {cap} bytes; nothing was read.")
