"""One request to an app: what Twilio sent, byte for byte, signed for the app's own URL."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from mediapipe.gateway.entries import Entry, Retry
from mediapipe.gateway.original import OriginalRequest

# Twilio takes no larger TwiML (error 11750).
MAX_BODY_BYTES = 64 * 1024
TIMEOUT_S = 60.0
# Statuses with which a server, or the proxy in front of it, says that it did not process a request.
NOT_PROCESSED = {408, 425, 429, 502, 503, 504}


class Verdict(StrEnum):
    """What a request to an app came to."""

    DELIVERED = "delivered"
    # It is to be sent again.
    AGAIN = "again"
    # It may have been processed: only a person, or `retry: all`, sends it again.
    UNKNOWN = "unknown"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Sent:
    """What came back from an app.

    `status` is None without a complete head of a response; `detail` says in a sentence what went
    wrong, without secrets. `certain` means that the app certainly did not process the request.
    `body` is incomplete if it is over 64 KiB (`too_large`). `cookies` are the values of Set-Cookie
    as they came, `location` that of a redirect. Times are in seconds.
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
    too_large: bool = False
    retry_after_s: float | None = None


def send(original: OriginalRequest, entry: Entry, timeout_s: float = TIMEOUT_S) -> Sent:
    """Send the request to the app once, and return what came back within `timeout_s`.

    Raises nothing: whatever goes wrong is in the result. Nothing is sent if the signature of the
    original no longer verifies.
    """
    raise NotImplementedError


def verdict(sent: Sent, retry: Retry) -> Verdict:
    """Return what the result means for the delivery."""
    if sent.status is not None:
        if 200 <= sent.status < 300:
            return Verdict.DELIVERED
        if 300 <= sent.status < 500 and sent.status not in NOT_PROCESSED:
            return Verdict.REFUSED
    return Verdict.AGAIN if sent.certain or retry == Retry.ALL else Verdict.UNKNOWN
