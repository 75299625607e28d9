"""One request to an app: what Twilio sent, byte for byte, signed for the app's own URL."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from mediapipe.failures import Failure
from mediapipe.fetching.http.exact import Destination, ExactRequest, Exchange, send_exactly
from mediapipe.fetching.http.post import is_any, is_loopback
from mediapipe.gateway.entries import Answer, Entry, Retry, Sign
from mediapipe.gateway.original import SIGNATURE, OriginalRequest
from mediapipe.providers.base import Response
from mediapipe.providers.refusals import WebhookRefused
from mediapipe.providers.twilio.signature import signature_for
from mediapipe.settings.web import DEFAULT_PORTS

# Twilio accepts no larger TwiML (error 11750).
MAX_BODY_BYTES = 64 * 1024
TIMEOUT_S = 60.0
HOPS = "X-Mediapipe-Hops"
# Statuses with which a server, or the proxy in front of it, says that it did not process a request.
NOT_PROCESSED = {408, 425, 429, 502, 503, 504}
# The response of a mediapipe to a request that came from a mediapipe.
LOOP_DETECTED = 508


class Verdict(StrEnum):
    """What the result of a request means for its delivery."""

    DELIVERED = "delivered"
    # It will be sent again.
    AGAIN = "again"
    # It may have been processed: only a person, or `retry: all`, sends it again.
    UNKNOWN = "unknown"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Sent:
    """What came back from an app.

    `status` is None without a complete response head. `detail` is a sentence about what went
    wrong, without secrets; with a 2xx, why the body cannot be used. `certain` means that the app
    certainly did not process the request. `cookies` are the values of Set-Cookie as they came,
    `location` that of a redirect. Times are in seconds.
    """

    status: int | None = None
    content_type: str | None = None
    body: bytes = field(default=b"", repr=False)
    cookies: tuple[str, ...] = field(default=(), repr=False)
    location: str = field(default="", repr=False)
    connect_s: float | None = None
    total_s: float = 0.0
    detail: str = ""
    certain: bool = False
    retry_after_s: float | None = None


def send(original: OriginalRequest, entry: Entry, timeout_s: float = TIMEOUT_S) -> Sent:
    """Send the request to the app once, and return what came back within `timeout_s`.

    Raises nothing: whatever goes wrong is in the result. Nothing is sent if the signature of the
    original no longer verifies.
    """
    began = time.monotonic()
    try:
        request = _request(original, entry)
    except (WebhookRefused, ImproperlyConfigured) as error:
        detail = f"Not sent, because its own signature no longer verifies ({error})."
        return Sent(detail=detail, certain=True)
    exchange, detail = Exchange(), ""
    try:
        send_exactly(
            request,
            _destination(entry),
            exchange,
            timeout_s=timeout_s,
            max_bytes=MAX_BODY_BYTES + 1,
        )
    except Failure as failure:
        detail = f"{failure.slug}: {failure.detail}"
    return _sent(exchange, detail, time.monotonic() - began)


def verdict(sent: Sent, retry: Retry) -> Verdict:
    """Return what the result means for the delivery."""
    if sent.status is not None and 200 <= sent.status < 300:
        return Verdict.DELIVERED
    if sent.status is not None and _is_final(sent.status):
        return Verdict.REFUSED
    return Verdict.AGAIN if sent.certain or retry == Retry.ALL else Verdict.UNKNOWN


def _is_final(status: int) -> bool:
    return status == LOOP_DETECTED or (300 <= status < 500 and status not in NOT_PROCESSED)


def _sent(exchange: Exchange, detail: str, total_s: float) -> Sent:
    status = exchange.status
    if status is None:
        certain = exchange.connect_s is None
        return Sent(connect_s=exchange.connect_s, total_s=total_s, detail=detail, certain=certain)
    headers = {name.lower(): value for name, value in exchange.headers}
    detail = detail or _fault(status, headers.get("content-encoding", ""), exchange.body)
    return Sent(
        status=status,
        content_type=headers.get("content-type"),
        body=exchange.body[:MAX_BODY_BYTES],
        cookies=tuple(value for name, value in exchange.headers if name.lower() == "set-cookie"),
        location=headers.get("location", ""),
        connect_s=exchange.connect_s,
        total_s=total_s,
        detail=detail,
        certain=status in NOT_PROCESSED,
        retry_after_s=Response(status, headers, b"", redirected=False).retry_after_s,
    )


def _fault(status: int, encoding: str, body: bytes) -> str:
    if not 200 <= status < 300:
        return f"The app responded with {status}."
    if len(body) > MAX_BODY_BYTES:
        return f"The answer is over {MAX_BODY_BYTES} bytes."
    if body and encoding.strip().lower() not in {"", "identity"}:
        return "The answer is compressed, which the request did not allow."
    return ""


def _request(original: OriginalRequest, entry: Entry) -> ExactRequest:
    parts = urlsplit(entry.url)
    target = _target(parts, original.query)
    host = parts.netloc.rpartition("@")[2]
    signature = dict(original.headers).get(SIGNATURE, "")
    # Verified even if the signature is kept: the original may come from a row that was edited.
    signed = signature_for(original.as_webhook_request(), f"{parts.scheme}://{host}{target}")
    signature = signature if entry.sign == Sign.KEEP else signed
    return ExactRequest(
        method=original.method,
        target=target,
        headers=(
            ("Host", host),
            *_passed(original, entry),
            ("X-Twilio-Signature", signature),
            *_authorization(parts),
            *_forwarded(parts, host, entry),
            ("Accept-Encoding", "identity"),
            ("Connection", "close"),
            (HOPS, "1"),
        ),
        body=None if original.method == "GET" else original.body,
    )


def _target(parts: SplitResult, query: str) -> str:
    """Return the path and query of the app's URL, followed by the query that Twilio sent."""
    queries = "&".join(filter(None, (parts.query, query)))
    return (parts.path or "/") + (f"?{queries}" if queries else "")


def _passed(original: OriginalRequest, entry: Entry) -> Iterator[tuple[str, str]]:
    for name, value in original.headers:
        # Twilio's cookies come from the app whose answers it gets.
        if name != SIGNATURE and (name != "cookie" or entry.answer == Answer.APP):
            yield name.title(), value
    if "user-agent" not in dict(original.headers):
        # Firewalls refuse requests without one.
        yield "User-Agent", f"mediapipe/{settings.VERSION}"


def _authorization(parts: SplitResult) -> Iterator[tuple[str, str]]:
    if parts.username is not None:
        login = unquote_to_bytes(parts.username) + b":" + unquote_to_bytes(parts.password or "")
        yield "Authorization", f"Basic {b64encode(login).decode()}"


def _forwarded(parts: SplitResult, host: str, entry: Entry) -> Iterator[tuple[str, str]]:
    # As from the proxy that `connect` bypasses: the app builds its own URL from them.
    if entry.connect:
        yield "X-Forwarded-Host", host
        yield "X-Forwarded-Proto", parts.scheme


def _destination(entry: Entry) -> Destination:
    url, to = urlsplit(entry.url), urlsplit(entry.connect or entry.url)
    return Destination(
        host=to.hostname or "",
        port=to.port or DEFAULT_PORTS[to.scheme],
        is_tls=to.scheme == "https",
        server_name=url.hostname or "",
        # Over https the certificate proves the host, and `connect` is set by the operator.
        may_connect_to=is_any if entry.connect or to.scheme == "https" else is_loopback,
    )
