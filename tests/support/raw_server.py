"""A server on a loopback address that sends exact bytes and records the requests."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

CERTIFICATE = Path(__file__).parent / "certificates" / "media.example.pem"

# Bytes are one response on a connection that stays open; a callable closes its connection.
Script = bytes | Callable[[socket.socket], None]


class RawServer:
    """Responds to the n-th request with the n-th script, on any number of connections."""

    def __init__(
        self, scripts: tuple[Script, ...], host: str, *, tls: bool, certificate: Path
    ) -> None:
        self.requests: list[str] = []
        self.connections = 0
        self._scripts = iter(scripts)
        self._tls = tls
        self._certificate = certificate
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((host, 0))
        self.address = "{}:{}".format(*self._listener.getsockname())
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)

    def url(self, path: str = "/media") -> str:
        return f"http://{self.address}{path}"

    def settle(self) -> None:
        """Wait until every connection so far has ended."""
        for thread in self._threads[1:]:
            thread.join(5)

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _start(self, run: Callable[..., None], *args: socket.socket) -> None:
        thread = threading.Thread(target=run, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            self._respond(self._secured(connection) if self._tls else connection)

    def _secured(self, connection: socket.socket) -> socket.socket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate)
        secured = context.wrap_socket(connection, server_side=True)
        self._open.append(secured)
        return secured

    def _respond(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while request := _request(stream):
                self.requests.append(request)
                script = next(self._scripts)
                if isinstance(script, bytes):
                    connection.sendall(script)
                else:
                    script(connection)
                    break


def _request(stream: BinaryIO) -> str:
    lines = []
    while line := stream.readline().strip():
        lines.append(line.decode("latin-1"))
    return "\n".join(lines)


@contextlib.contextmanager
def serve(
    *scripts: Script, host: str = "127.0.0.1", tls: bool = False, certificate: Path = CERTIFICATE
) -> Iterator[RawServer]:
    wire = RawServer(scripts, host, tls=tls, certificate=certificate)
    try:
        yield wire
    finally:
        wire.close()


def answer(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """Return a complete response with Content-Length; `_` in a header's name becomes `-`."""
    lines = [f"HTTP/1.1 {status} Reason", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def redirect(location: str, status: int = 307) -> bytes:
    return answer(status, b"<moved/>", Location=location)


def cut(data: bytes) -> Script:
    """Send these bytes, then close the connection."""
    return lambda connection: connection.sendall(data)


def silence(data: bytes = b"") -> Script:
    """Send these bytes, then nothing until the client closes the connection."""

    def run(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.recv(1)

    return run


def drip(data: bytes, drops: bytes, *, every_s: float = 0.05) -> Script:
    """Send these bytes, then `drops` over and over until the client closes the connection."""

    def run(connection: socket.socket) -> None:
        connection.sendall(data)
        while True:
            connection.sendall(drops)
            time.sleep(every_s)

    return run
