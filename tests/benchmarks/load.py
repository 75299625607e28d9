"""A load of prepared requests: as fast as possible, or at a given rate.

On plain sockets, because any client library would use more CPU than the server.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.benchmarks.records import percentile

LENGTH = re.compile(rb"(?i)content-length: *(\d+)")
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Load:
    """How long each request took, and all of them together, in seconds."""

    latencies_s: list[float]
    elapsed_s: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies_s) / self.elapsed_s

    def latency_ms(self, share: float) -> float:
        """Return the latency that this share (0 to 1) of the requests did not exceed."""
        return 1000 * percentile(self.latencies_s, share)


class Client:
    """One connection that stays open; reopened when the server has closed it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket: socket.socket | None = None

    def ask(self, request: bytes) -> bytes:
        """Send a whole request; return the response body; raise ValueError unless it is a 200."""
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        head, body = self._answer(self.socket)
        if b"connection: close" in head.lower():
            self.close()
        if not head.startswith(b"HTTP/1.1 200"):
            raise ValueError(head.decode(errors="replace") + body.decode(errors="replace"))
        return body

    def _answer(self, connection: socket.socket) -> tuple[bytes, bytes]:
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += _received(connection)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        while len(body) < (int(length[1]) if length else 0):
            body += _received(connection)
        return head, body

    def close(self) -> None:
        """Close the connection."""
        if self.socket:
            self.socket.close()
            self.socket = None


def _received(connection: socket.socket) -> bytes:
    packet = connection.recv(65536)
    if not packet:
        raise ConnectionError("The server closed the connection within an answer.")
    return packet


def as_fast_as_possible(port: int, requests: Sequence[bytes], connections: int) -> Load:
    """Send all requests over this many connections, each once the previous one is answered."""
    return _spread(port, requests, connections, lambda _: time.monotonic())


def at_rate(port: int, requests: Sequence[bytes], connections: int, rate: float) -> Load:
    """Send requests at a fixed rate (per second), whether or not earlier ones are answered.

    The latency counts from the scheduled sending time, and so includes a wait for a connection.
    """
    begin = time.monotonic()
    return _spread(port, requests, connections, lambda number: _wait_until(begin + number / rate))


def _wait_until(moment: float) -> float:
    time.sleep(max(0.0, moment - time.monotonic()))
    return moment


def _spread(
    port: int, requests: Sequence[bytes], connections: int, due: Callable[[int], float]
) -> Load:
    numbered = list(enumerate(requests))

    def work(first: int) -> list[float]:
        client, latencies = Client(port), []
        for number, request in numbered[first::connections]:
            began = due(number)
            client.ask(request)
            latencies.append(time.monotonic() - began)
        client.close()
        return latencies

    began = time.monotonic()
    with ThreadPoolExecutor(connections) as pool:
        latencies = [one for each in pool.map(work, range(connections)) for one in each]
    return Load(latencies, time.monotonic() - began)
