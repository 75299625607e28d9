"""The cases of the catalogue: what is sent or returned, and the result it must have."""

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
    """A webhook, the status of the response, the reason of the refusal, and the media.

    `media` has the failure slug or the status of each item, in the order of their rows.
    `again` are later requests, which get the same status and are about the same event.
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
    """A media URL in a signed webhook; CANARY in it stands for an address not to connect to."""

    name: str
    url: str
    parameter: str = "MediaUrl0"

    @property
    def input(self) -> str:
        """What distinguishes this case from every other."""
        return repr((self.parameter, self.url))


@dataclass(frozen=True)
class BadAnswer:
    """The faults, one per request, the outcome of each attempt, and the final status.

    `asked` is the number of requests at the API and at the CDN; None if it does not matter.
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
    """A complete body: the outcome, and the type and extension it is stored with, if any."""

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

    `recorded` tells whether the event of this case's message is recorded. Several `parts` are sent
    with a pause between them; our side of the connection is closed after the last one.
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
        """The SID of this case's message."""
        return sid("MM", self.name)


def sid(prefix: str, of: str) -> str:
    """Return a SID derived from this text, the same in every run."""
    return prefix + md5(of.encode(), usedforsecurity=False).hexdigest()


def changed(pairs: Pairs = ONE_PICTURE, **values: str | None) -> Pairs:
    """Return the pairs with these values replaced or appended; None removes the name."""
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

    By default, what is sent is what was signed; `_` in a header's name becomes `-`.
    """
    body = pairs if sent is None else sent
    return signing.post(
        body if isinstance(body, bytes) else encoded(body),
        url=sent_to or url,
        signature=signing.sign(url, list(pairs), token) if signature is None else signature,
        content_type=content_type,
        **headers,
    )
