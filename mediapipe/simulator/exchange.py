import socket
import struct
import time
import uuid
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from typing import ClassVar
from urllib.parse import urlsplit

from mediapipe.simulator.log import LoggedRequest, Place
from mediapipe.simulator.origin import Origin
from mediapipe.simulator.script import MediaScript


class RequestHandler(BaseHTTPRequestHandler):
    """A request and its response; each origin has a subclass."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    place: ClassVar[Place]
    server: Origin

    entry: LoggedRequest
    script: MediaScript | None

    def respond(self) -> None:
        """Respond to the request."""
        raise NotImplementedError

    def common_headers(self) -> dict[str, str]:
        """Return the headers of every response of this origin."""
        raise NotImplementedError

    def fail(self, status: int, **headers: str) -> None:
        """Respond with this origin's error document."""
        raise NotImplementedError

    def serve_normally(self) -> None:
        """Respond for `script` without a fault."""
        raise NotImplementedError

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            # The client may disconnect; the log shows how much was sent.
            self.close_connection = True

    def exchange(self) -> None:
        """Serve one request; it is logged on arrival."""
        self.started_s = time.monotonic()
        self.path_only = urlsplit(self.path).path
        self.query = urlsplit(self.path).query
        # The body is ignored, but if it were not read, it would be parsed as the next request.
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.script = self.find_script()
        self.entry = LoggedRequest(
            origin=self.place,
            method=self.command,
            path=self.path_only,
            sid=self.script.sid if self.script else "",
            had_authorization="Authorization" in self.headers,
            request_id=f"RQ{uuid.uuid4().hex}",
        )
        self.server.state.log.begin(self.entry)
        try:
            self.respond()
        finally:
            self.server.state.log.end(self.entry)

    def find_script(self) -> MediaScript | None:
        """Return the media item at the path."""
        raise NotImplementedError

    def serve_media(self, script: MediaScript) -> None:
        """Play the next fault of this media item, or serve it normally."""
        fault = script.take_fault(self.place)
        if fault is None:
            self.serve_normally()
            return
        self.entry.fault = type(fault).__name__
        fault.play(self)

    def do_GET(self) -> None:
        self.exchange()

    def do_HEAD(self) -> None:
        self.exchange()

    def do_DELETE(self) -> None:
        self.exchange()

    def do_POST(self) -> None:
        self.exchange()

    @property
    def required_script(self) -> MediaScript:
        """The media item of a request that requires one."""
        if self.script is None:
            raise LookupError(f"There is no media at {self.path_only}.")
        return self.script

    @property
    def media_type(self) -> str:
        return self.required_script.content_type

    @property
    def media_size(self) -> int:
        return self.required_script.size

    def media_blocks(self) -> Iterator[bytes]:
        return self.required_script.blocks()

    @property
    def url(self) -> str:
        return self.server.url + self.path

    def cdn_link(self, hops: int) -> str:
        """Return a CDN link that redirects `hops` times before it serves the bytes."""
        return self.server.state.link_to(self.required_script, hops=hops)

    def start(self, status: int, headers: Mapping[str, str] | list[tuple[str, str]]) -> None:
        """Send the status line, the common headers and these."""
        # Before the bytes are sent: a client that has the response must find it in the log.
        self.entry.status = status
        self.send_response(status)
        pairs = headers if isinstance(headers, list) else list(headers.items())
        for name, value in [*self.common_headers().items(), *pairs]:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def write(self, data: bytes) -> None:
        """Send raw bytes of the body; nothing in response to a HEAD."""
        if self.command == "HEAD":
            return
        self.entry.bytes_sent += len(data)
        self.wfile.write(data)

    def reply(self, status: int, content_type: str, body: bytes, **headers: str) -> None:
        """Send a complete response."""
        length = {"Content-Type": content_type, "Content-Length": str(len(body))}
        self.start(status, length | headers)
        self.write(body)

    def send_media(self) -> None:
        headers = {"Content-Type": self.media_type, "Content-Length": str(self.media_size)}
        if self.required_script.disposition:
            headers["Content-Disposition"] = self.required_script.disposition
        self.start(200, headers)
        for block in self.media_blocks():
            self.write(block)

    def pause(self, seconds: float | None) -> bool:
        """Wait up to `seconds` (None: until released); return whether it was released."""
        return self.required_script.pause(seconds)

    def hang_up(self) -> None:
        """Close the connection after this response."""
        self.close_connection = True

    def reset(self) -> None:
        """Break the connection so that the client reads ECONNRESET."""
        # With a linger time of zero, close() sends RST instead of FIN. The buffered reader holds
        # a reference to the socket, so both are closed; `wfile` is flushed later and stays open.
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the Date header, shifted by `clock_skew_s`."""
        now = time.time() if timestamp is None else timestamp
        return super().date_time_string(now + self.server.state.clock_skew_s)

    def log_message(self, format: str, *args: object) -> None:
        """Keep stderr quiet: requests are in the log."""
