"""An HTTP proxy that connects every target to one address of this machine."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.raw_server import silence

# The response to a CONNECT request: a status, or a function that handles the connection.
Answer = int | Callable[[socket.socket], None]
# The target of the CONNECT requests, and its address.
HOST = "api.twilio.com"
PUBLIC = "1.1.1.1"


class Names(dict[str, str]):
    """The addresses that the resolver knows by host; any other look-up fails."""

    def find(self, host: str, port: int, *_: Any, **__: Any) -> list[tuple[object, ...]]:
        address = host if host.startswith("127.") else self.get(host)
        if address is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]


@dataclass
class ConnectProxy:
    """`requests` are the heads received; `answers` are used one by one, and then 200."""

    leads_to: int
    port: int = 0
    answers: list[Answer] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def targets(self) -> list[str]:
        return [head.split()[1] for head in self.requests]

    def serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (part := client.recv(4096)):
                    return
                head += part
            self.requests.append(head.decode())
            answer = self.answers.pop(0) if self.answers else 200
            if callable(answer):
                answer(client)
                return
            client.sendall(f"HTTP/1.1 {answer} Said hunter2\r\n\r\n".encode())
            if answer == 200:
                with socket.create_connection(("127.0.0.1", self.leads_to)) as server:
                    pump(client, server)


def pump(one: socket.socket, other: socket.socket) -> None:
    """Copy in both directions until one side closes."""
    partner = {one: other, other: one}
    while True:
        for ready in select.select([one, other], [], [], 10)[0]:
            if not (data := ready.recv(65536)):
                return
            partner[ready].sendall(data)


@contextlib.contextmanager
def running(leads_to: int) -> Iterator[ConnectProxy]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = ConnectProxy(leads_to, listener.getsockname()[1])

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=proxy.serve, args=(client,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


hang = silence()
