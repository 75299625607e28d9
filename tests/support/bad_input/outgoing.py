"""Records DNS look-ups and connections of this process through audit events."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Outgoing:
    """Hosts that were looked up and host:port that were connected to, in order."""

    lookups: list[str] = field(default_factory=list)
    connections: list[str] = field(default_factory=list)


_listening: list[Outgoing] = []
_hooked: list[bool] = []


@contextmanager
def recorded() -> Iterator[Outgoing]:
    """Record every look-up and connection of every thread."""
    if not _hooked:
        # An audit hook cannot be taken away again, so there is one for good.
        sys.addaudithook(_hear)
        _hooked.append(True)
    heard = Outgoing()
    _listening.append(heard)
    try:
        yield heard
    finally:
        _listening.remove(heard)


def _hear(event: str, args: tuple[object, ...]) -> None:
    if not _listening or not event.startswith("socket."):
        return
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        for heard in _listening:
            heard.lookups.append(str(args[0]))
    # What is not a pair is a unix socket: the embedded broker's.
    elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        for heard in _listening:
            heard.connections.append(f"{args[1][0]}:{args[1][1]}")
