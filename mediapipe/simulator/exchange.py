"""One request to an origin, and its answer, as they cross the wire."""

import socket
import struct
import time
import uuid
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from typing import ClassVar
from urllib.parse import urlsplit

from mediapipe.simulator.log import Entry, Place
from mediapipe.simulator.origin import Origin
from mediapipe.simulator.script import MediaScript


class Exchange(BaseHTTPRequestHandler):
    """A request and its answer; subclasses say what the origin answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    place: ClassVar[Place]
    server: Origin

    entry: Entry
    script: MediaScript | None

    def respond(self) -> None:
        """Answer the request."""
        raise NotImplementedError

    def house_headers(self) -> dict[str, str]:
        """Return the headers that every answer of this origin has."""
        raise NotImplementedError

    def fail(self, status: int, **headers: str) -> None:
        """Answer with an error document in the words of this origin."""
        raise NotImplementedError

    def behave(self) -> None:
        """Answer for `script` as if there were no faults."""
        raise NotImplementedError

    def handle(self) -> None:
        """Serve the connection until one side ends it."""
        try:
            super().handle()
        except ConnectionError:
            # The client went away in the middle, as is its right; the log shows how far it got.
            self.close_connection = True

    def exchange(self) -> None:
        """Serve one request, and log it from its arrival on."""
        self.begun_s = time.monotonic()
        self.path_only = urlsplit(self.path).path
        self.query = urlsplit(self.path).query
        # A body means nothing here, but left unread it would pass for the next request.
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.script = self.find_script()
        self.entry = Entry(
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
        """Return the media item that the path names."""
        raise NotImplementedError

    def play_or_behave(self, script: MediaScript) -> None:
        """Play the next fault of this media item, or answer as usual."""
        fault = script.take_fault(self.place)
        if fault is None:
            self.behave()
            return
        self.entry.fault = type(fault).__name__
        fault.play(self)

    def do_GET(self) -> None:
        """Serve a GET; http.server looks for methods of these names."""
        self.exchange()

    def do_DELETE(self) -> None:
        """Serve a DELETE."""
        self.exchange()

    def do_POST(self) -> None:
        """Serve a POST."""
        self.exchange()

    @property
    def known_script(self) -> MediaScript:
        """The media item of this exchange, where there must be one."""
        if self.script is None:
            raise LookupError(f"There is no media at {self.path_only}.")
        return self.script

    @property
    def media_type(self) -> str:
        """The content type that the bytes are served with."""
        return self.known_script.content_type

    @property
    def media_size(self) -> int:
        """The size of the media in bytes."""
        return self.known_script.size

    def media_blocks(self) -> Iterator[bytes]:
        """Yield the bytes of the media."""
        return self.known_script.blocks()

    @property
    def url(self) -> str:
        """The address that was asked for."""
        return self.server.url + self.path

    def link(self, hops: int) -> str:
        """Return a CDN link to the media, with so many redirects in between."""
        return self.server.state.link_to(self.known_script, hops=hops)

    def start(self, status: int, headers: Mapping[str, str] | list[tuple[str, str]]) -> None:
        """Send the status line, the origin's own headers and these."""
        # Before the bytes leave: a client that has its answer must find it in the log.
        self.entry.status = status
        self.send_response(status)
        pairs = headers if isinstance(headers, list) else list(headers.items())
        for name, value in [*self.house_headers().items(), *pairs]:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def write(self, data: bytes) -> None:
        """Send bytes of the body as they are."""
        self.entry.bytes_sent += len(data)
        self.wfile.write(data)

    def answer(self, status: int, content_type: str, body: bytes, **headers: str) -> None:
        """Send a whole answer at once."""
        length = {"Content-Type": content_type, "Content-Length": str(len(body))}
        self.start(status, length | headers)
        self.write(body)

    def send_media(self) -> None:
        """Answer 200 with the bytes."""
        headers = {"Content-Type": self.media_type, "Content-Length": str(self.media_size)}
        if self.known_script.disposition:
            headers["Content-Disposition"] = self.known_script.disposition
        self.start(200, headers)
        for block in self.media_blocks():
            self.write(block)

    def pause(self, seconds: float | None) -> bool:
        """Wait so long (None: until released); tell whether it was released."""
        return self.known_script.pause(seconds)

    def hang_up(self) -> None:
        """Close the connection after this answer."""
        self.close_connection = True

    def reset(self) -> None:
        """Break the connection so that the client reads ECONNRESET."""
        # With a linger time of zero the close sends RST instead of FIN. The buffered reader holds
        # a reference to the socket, so both are closed; `wfile` is flushed later and stays open.
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the Date of an answer, by a clock that may be told to go wrong."""
        now = time.time() if timestamp is None else timestamp
        return super().date_time_string(now + self.server.state.clock_skew_s)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr: the log has it all."""
