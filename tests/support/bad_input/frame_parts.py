"""The parts from which requests with broken framing are built."""

from __future__ import annotations

from tests.support.bad_input.cases import ONE_PICTURE, BadFrame, Pairs, encoded, sid
from tests.support.payloads import signing, twilio

PUBLIC = "https://media.example.com"
PATH = "/webhooks/twilio/messaging/"
URL = f"{PUBLIC}{PATH}"
HOST = "Host: media.example.com"
CLOSE = "Connection: close"
TYPE = f"Content-Type: {signing.FORM}"


def pairs(of: str) -> Pairs:
    """Return a message with a SID that only this case uses."""
    own = sid("MM", of)
    return tuple((name, value.replace(twilio.MMS_SID, own)) for name, value in ONE_PICTURE)


class Request:
    """The parts of the good request of one case, to be put together wrongly."""

    def __init__(self, name: str, url: str = URL) -> None:
        self.body = encoded(pairs(name))
        self.signature = f"X-Twilio-Signature: {signing.sign(url, list(pairs(name)))}"
        self.length = f"Content-Length: {len(self.body)}"
        self.signed = (HOST, TYPE, self.signature, CLOSE)

    def head(self, *headers: str, line: str = f"POST {PATH} HTTP/1.1") -> bytes:
        return "\r\n".join([line, *headers, "", ""]).encode("latin-1")

    def post(self, *more: str, line: str = f"POST {PATH} HTTP/1.1") -> bytes:
        return self.head(*self.signed, self.length, *more, line=line) + self.body


def frame(
    name: str, *parts: bytes, answered: int | tuple[int, ...], recorded: bool = False
) -> BadFrame:
    statuses = (answered,) if isinstance(answered, int) else answered
    return BadFrame(name, parts, statuses, recorded)


def more(name: str, *headers: str, answered: int = 400) -> BadFrame:
    """Return a good request with these additional headers."""
    return frame(name, Request(name).post(*headers), answered=answered, recorded=answered == 200)


def pieces(request: bytes, size: int) -> tuple[bytes, ...]:
    return tuple(request[start : start + size] for start in range(0, len(request), size))
