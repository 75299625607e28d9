"""The verified webhook as it was received, to be sent to an app byte for byte."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from mediapipe.providers.base import WebhookRequest

SIGNATURE = "x-twilio-signature"
# Headers are not signed: whoever has captured a webhook can add any, such as the one in which an
# identity proxy names the user to the app. Only these and those with Twilio's own prefixes pass.
PASSED = {"accept", "content-type", "cookie", "user-agent", "x-home-region"}
PREFIXES = ("i-twilio-", "x-twilio-")


@dataclass(frozen=True, slots=True)
class OriginalRequest:
    """A webhook as Twilio sent it, signature included.

    `url` is the one that Twilio called, with its raw query; `headers` are those that may be passed
    on, with lower-case names, in their original order.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)

    @classmethod
    def of(cls, request: WebhookRequest) -> Self:
        """Return the parts of a webhook that are kept."""
        passed = ((name, value) for name, value in request.headers.items() if _passes(name))
        return cls(request.method, request.url, tuple(passed), request.body)

    @property
    def query(self) -> str:
        """The raw query, without its question mark."""
        return self.url.partition("#")[0].partition("?")[2]

    @property
    def content_type(self) -> str:
        return dict(self.headers).get("content-type", "")

    def as_webhook_request(self) -> WebhookRequest:
        """Return it in the form in which its signature can be verified."""
        return WebhookRequest(self.method, self.url, dict(self.headers), self.body)

    def to_json(self) -> dict[str, Any]:
        """Return the request as JSON values."""
        return {
            "method": self.method,
            "url": self.url,
            "headers": [list(pair) for pair in self.headers],
            "body": b64encode(self.body).decode(),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the request that to_json() gave; else raise KeyError, TypeError or ValueError."""
        headers = tuple((str(name), str(value)) for name, value in values["headers"])
        body = b64decode(values["body"], validate=True)
        return cls(str(values["method"]), str(values["url"]), headers, body)


def _passes(name: str) -> bool:
    return name in PASSED or name.startswith(PREFIXES)
