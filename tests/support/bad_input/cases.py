"""The cases of the catalogue: what is sent or answered, and how that must end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode

from mediapipe.providers.base import WebhookRequest
from mediapipe.simulator.faults import Fault
from tests.support import make
from tests.support.payloads import signing, twilio

ORIGIN = "http://testserver"
MESSAGING = f"{ORIGIN}/webhooks/twilio/messaging/"
RECORDING = f"{ORIGIN}/webhooks/twilio/recording/"
CONVERSATIONS = f"{ORIGIN}/webhooks/twilio/conversations/"

Pairs = tuple[tuple[str, str], ...]
ONE_PICTURE: Pairs = tuple(parse_qsl(twilio.MMS_ONE_PICTURE, keep_blank_values=True))
COMPLETED: Pairs = tuple(parse_qsl(twilio.RECORDING_COMPLETED, keep_blank_values=True))


@dataclass(frozen=True)
class BadRequest:
    """A webhook, the status of its response, the reason it is counted under, and its media.

    `media` has, of each item in the order of their rows, the slug of its failure or its status.
    `again` are later requests, which get the same answer and are about the same event.
    """

    name: str
    request: WebhookRequest
    status: int
    reason: str = ""
    media: tuple[str, ...] = ()
    again: tuple[WebhookRequest, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def input(self) -> str:
        """What distinguishes this case from every other."""
        return repr((self.request, self.again, self.settings))


@dataclass(frozen=True)
class BadUrl:
    """A media URL that a signed webhook names; nothing may connect to CANARY in it."""

    name: str
    url: str
    parameter: str = "MediaUrl0"

    @property
    def input(self) -> str:
        """What distinguishes this case from every other."""
        return repr((self.parameter, self.url))


@dataclass(frozen=True)
class BadAnswer:
    """Faults played one per request, the outcome of each attempt, and the final status.

    `asked` counts the requests at the API and at the CDN; None where that is not the point.
    """

    name: str
    faults: tuple[Fault, ...]
    outcomes: tuple[str, ...]
    status: str
    asked: tuple[int, int] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def input(self) -> str:
        """What distinguishes this case from every other."""
        return repr((self.faults, self.settings))


@dataclass(frozen=True)
class BadFile:
    """A complete body: the outcome, and the type and name it is stored under, if any."""

    name: str
    body: bytes
    outcome: str = "stored"
    content_type: str = ""
    extension: str = ""
    declared: str = "image/jpeg"
    disposition: str = ""

    @property
    def input(self) -> str:
        """What distinguishes this case from every other."""
        return repr((self.body, self.declared, self.disposition))


@dataclass(frozen=True)
class BadFrame:
    """Bytes sent to the real web server, and the statuses of the responses, in order.

    `recorded` tells whether the event is kept of the message that the name of the case stands for.
    Several `parts` are sent with a pause between them; our side ends after the last.
    """

    name: str
    parts: tuple[bytes, ...]
    statuses: tuple[int, ...]
    recorded: bool = False

    @property
    def input(self) -> str:
        """What distinguishes this case from every other."""
        return repr(self.parts)

    @property
    def sid(self) -> str:
        """The message that the bytes of this case are about."""
        return sid("MM", self.name)


def sid(prefix: str, of: str) -> str:
    """Return a SID that is always the same for this text."""
    return prefix + md5(of.encode(), usedforsecurity=False).hexdigest()


def changed(pairs: Pairs = ONE_PICTURE, **values: str | None) -> Pairs:
    """Return the pairs with these values in place or at the end; None leaves the name out."""
    kept = tuple((n, v) for n, old in pairs if (v := values.get(n, old)) is not None)
    names = {name for name, _ in pairs}
    return kept + tuple((n, v) for n, v in values.items() if v is not None and n not in names)


def encoded(pairs: Pairs) -> bytes:
    """Return the pairs as a form."""
    return urlencode(pairs, quote_via=quote_plus).encode()


def signed(
    pairs: Pairs = ONE_PICTURE,
    *,
    url: str = MESSAGING,
    sent_to: str = "",
    sent: Pairs | bytes | None = None,
    token: str = make.TOKEN,
    signature: str | None = None,
    content_type: str = signing.FORM,
    **headers: str,
) -> WebhookRequest:
    """Return a POST of `sent` to `sent_to`, with the signature of `pairs` at `url`.

    What is not given is as it was signed; `_` in the name of a header becomes `-`.
    """
    body = pairs if sent is None else sent
    return signing.post(
        body if isinstance(body, bytes) else encoded(body),
        url=sent_to or url,
        signature=signing.sign(url, list(pairs), token) if signature is None else signature,
        content_type=content_type,
        **headers,
    )
