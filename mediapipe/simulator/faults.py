"""Faults that replace the normal response: plain data to compare, print and send as JSON.

A fault is played on an authorised request for the bytes, before anything else is checked.
"""

import gzip
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal

from mediapipe.simulator.errors import rest_exception
from mediapipe.simulator.log import Place
from mediapipe.simulator.wire import Wire


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Played once at the origin `at`, or on every request there if `forever`."""

    at: Place = "api"
    forever: bool = False

    def play(self, wire: Wire) -> None:
        """Send the faulty response."""
        raise NotImplementedError


@dataclass(frozen=True)
class Status(Fault):
    """An error status with its origin's error document; Retry-After exactly as given."""

    code: int
    retry_after: str | None = None

    def play(self, wire: Wire) -> None:
        wire.fail(self.code, **({"Retry-After": self.retry_after} if self.retry_after else {}))


@dataclass(frozen=True)
class Hang(Fault):
    """Nothing for `seconds` (None: until released), then the normal response."""

    seconds: float | None = None

    def play(self, wire: Wire) -> None:
        wire.pause(self.seconds)
        wire.serve_normally()


@dataclass(frozen=True)
class HangInHeaders(Fault):
    """A status line and half a header, a pause, then the rest and the bytes."""

    seconds: float | None = None

    def play(self, wire: Wire) -> None:
        wire.hang_up()
        wire.write(b"HTTP/1.1 200 OK\r\nContent-Ty")
        wire.pause(self.seconds)
        rest = f"pe: {wire.media_type}\r\nContent-Length: {wire.media_size}\r\n\r\n"
        _write_all(wire, chain([rest.encode()], wire.media_blocks()))


@dataclass(frozen=True)
class DripHeaders(Fault):
    """Endless headers, one byte per interval: no read timeout ever fires."""

    interval_s: float = 0.1

    def play(self, wire: Wire) -> None:
        wire.hang_up()
        wire.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not wire.pause(self.interval_s):
            wire.write(b"x")


@dataclass(frozen=True)
class HangInBody(Fault):
    """The first `after_bytes` of the body, a pause, then the rest."""

    seconds: float | None = None
    after_bytes: int = 1000

    def play(self, wire: Wire) -> None:
        _start_media(wire)
        body = b"".join(wire.media_blocks())
        wire.write(body[: self.after_bytes])
        wire.pause(self.seconds)
        wire.write(body[self.after_bytes :])


@dataclass(frozen=True)
class DripBody(Fault):
    """The body at one byte per interval; a release sends the rest at once."""

    interval_s: float = 0.1

    def play(self, wire: Wire) -> None:
        _start_media(wire)
        body = b"".join(wire.media_blocks())
        for position in range(len(body)):
            if wire.pause(self.interval_s):
                wire.write(body[position:])
                return
            wire.write(body[position : position + 1])


@dataclass(frozen=True)
class Truncated(Fault):
    """A clean close of the connection before Content-Length is reached."""

    after_bytes: int = 1000

    def play(self, wire: Wire) -> None:
        wire.hang_up()
        _start_media(wire)
        _write_all(wire, _first(self.after_bytes, wire.media_blocks()))


@dataclass(frozen=True)
class TruncatedChunked(Fault):
    """A chunked body without the final chunk."""

    after_bytes: int = 1000

    def play(self, wire: Wire) -> None:
        wire.hang_up()
        wire.start(200, {"Content-Type": wire.media_type, "Transfer-Encoding": "chunked"})
        _write_all(wire, map(_chunk, _first(self.after_bytes, wire.media_blocks())))


@dataclass(frozen=True)
class EndlessChunked(Fault):
    """A chunked body that ends only when the client disconnects."""

    def play(self, wire: Wire) -> None:
        wire.hang_up()
        wire.start(200, {"Content-Type": wire.media_type, "Transfer-Encoding": "chunked"})
        while True:
            wire.write(_chunk(bytes(65536)))


@dataclass(frozen=True)
class Lengths(Fault):
    """The real body with wrong Content-Length headers: too large, too small, negative, two.

    With `chunked` the body is chunked and the headers contradict each other.
    """

    values: tuple[str, ...]
    chunked: bool = False

    def play(self, wire: Wire) -> None:
        wire.hang_up()
        headers = [("Content-Type", wire.media_type)]
        headers += [("Content-Length", value) for value in self.values]
        body: Iterable[bytes] = wire.media_blocks()
        if self.chunked:
            headers.append(("Transfer-Encoding", "chunked"))
            body = chain(map(_chunk, filter(None, body)), [_chunk(b"")])
        wire.start(200, headers)
        _write_all(wire, body)


@dataclass(frozen=True)
class WrongBody(Fault):
    """A success whose body is not the media: empty, a web page, an error document."""

    body: str
    content_type: str

    def play(self, wire: Wire) -> None:
        data = self.body.encode()
        wire.start(200, {"Content-Type": self.content_type, "Content-Length": str(len(data))})
        wire.write(data)


@dataclass(frozen=True)
class EmptyBody(WrongBody):
    body: str = ""
    content_type: str = "image/jpeg"


@dataclass(frozen=True)
class HtmlPage(WrongBody):
    """The login page of a captive portal."""

    body: str = "<!DOCTYPE html><html><body>Please log in</body></html>"
    content_type: str = "text/html; charset=utf-8"


@dataclass(frozen=True)
class ErrorXml(WrongBody):
    """Twilio's error document with status 200."""

    body: str = rest_exception(404, "The resource was not found", as_json=False)[1].decode()
    content_type: str = "application/xml"


@dataclass(frozen=True)
class Gzip(Fault):
    """A compressed body, whatever encodings the client accepts."""

    def play(self, wire: Wire) -> None:
        body = gzip.compress(b"".join(wire.media_blocks()))
        headers = {"Content-Encoding": "gzip", "Content-Length": str(len(body))}
        wire.start(200, headers | {"Content-Type": wire.media_type})
        wire.write(body)


@dataclass(frozen=True)
class Reset(Fault):
    """A TCP reset before the response, after the headers, or within the body.

    "accept" still reads the request, because its path selects the media item.
    """

    when: Literal["accept", "headers", "body"] = "accept"
    after_bytes: int = 1000

    def play(self, wire: Wire) -> None:
        if self.when != "accept":
            _start_media(wire)
        if self.when == "body":
            _write_all(wire, _first(self.after_bytes, wire.media_blocks()))
        wire.reset()


@dataclass(frozen=True)
class RedirectTo(Fault):
    """A redirect to any location, forbidden and malformed ones included; None: no Location."""

    location: str | None
    status: int = 307

    def play(self, wire: Wire) -> None:
        location = {"Location": self.location} if self.location is not None else {}
        wire.start(self.status, {"Content-Length": "0"} | location)


@dataclass(frozen=True)
class RedirectLoop(Fault):
    """An endless redirect to itself."""

    forever: bool = field(default=True, kw_only=True)

    def play(self, wire: Wire) -> None:
        wire.start(307, {"Content-Length": "0", "Location": wire.url})


@dataclass(frozen=True)
class Hops(Fault):
    """`count` redirects from CDN link to CDN link before the bytes."""

    count: int

    def play(self, wire: Wire) -> None:
        wire.start(307, {"Content-Length": "0", "Location": wire.cdn_link(self.count - 1)})


@dataclass(frozen=True)
class RawAnswer(Fault):
    """Raw bytes (as latin-1), then the end of the connection."""

    text: str

    def play(self, wire: Wire) -> None:
        wire.hang_up()
        wire.write(self.text.encode("latin-1"))


def fault_from_json(document: dict[str, Any]) -> Fault:
    """Parse `{"fault": "Status", "code": 503, ...}`; raise KeyError or TypeError if invalid."""
    classes = [*Fault.__subclasses__(), *WrongBody.__subclasses__()]
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in document.items()}
    name = str(values.pop("fault"))
    factory: dict[str, Callable[..., Fault]] = {cls.__name__: cls for cls in classes}
    return factory[name](**values)


def _start_media(wire: Wire) -> None:
    size = str(wire.media_size)
    wire.start(200, {"Content-Type": wire.media_type, "Content-Length": size})


def _write_all(wire: Wire, body: Iterable[bytes]) -> None:
    for block in body:
        wire.write(block)


def _first(size: int, body: Iterable[bytes]) -> Iterator[bytes]:
    for block in body:
        if size > 0 and block:
            yield block[:size]
        size -= len(block)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
