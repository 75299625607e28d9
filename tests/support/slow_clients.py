"""Clients that occupy a connection: silent, within a request, or within the response."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, fields

HEAD = b"POST /webhooks/twilio/messaging/ HTTP/1.1\r\nHost: localhost\r\n"


@dataclass(frozen=True)
class SlowClients:
    """The number of clients of each kind."""

    silent: int = 0
    headers: int = 0
    bodies: int = 0
    downloads: int = 0

    def __str__(self) -> str:
        counts = [(field.name, getattr(self, field.name)) for field in fields(self)]
        return ", ".join(f"{count} {name}" for name, count in counts if count) or "none"


@contextlib.contextmanager
def occupying(port: int, slow: SlowClients, *downloads: bytes) -> Iterator[list[socket.socket]]:
    """Hold these connections open; each slow download sends the next request of `downloads`.

    Raise AssertionError if the response to a download is neither 200 nor 206.
    """
    with contextlib.ExitStack() as stack:
        begun = [b""] * slow.silent + [HEAD + b"X-A: "] * slow.headers
        begun += [HEAD + b"Content-Length: 100000\r\n\r\n" + b"a" * 20_000] * slow.bodies
        opened = [stack.enter_context(_sent(port, each)) for each in begun]
        for number in range(slow.downloads):
            client = stack.enter_context(_sent(port, downloads[number % len(downloads)]))
            # A server without a free thread does not respond; detecting that is up to the caller.
            with contextlib.suppress(TimeoutError):
                status = client.recv(100)[9:12]
                assert status in {b"200", b"206"}, status
            opened.append(client)
        yield opened


def _sent(port: int, request: bytes) -> socket.socket:
    client = socket.socket()
    # With a small buffer, the server cannot hand the whole file over to the kernel.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(1)
    client.connect(("127.0.0.1", port))
    client.sendall(request)
    return client
