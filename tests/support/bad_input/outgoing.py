"""Records this process's DNS look-ups and connections through audit events."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Outgoing:
    """The hosts looked up, and each host:port connected to, in order."""

    lookups: list[str] = field(default_factory=list)
    connections: list[str] = field(default_factory=list)


_listening: list[Outgoing] = []
_hooked: list[bool] = []


@contextmanager
def recorded() -> Iterator[Outgoing]:
    """Record every look-up and connection of every thread."""
    if not _hooked:
        # An audit hook cannot be removed, so it is added once.
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
    # A Unix socket has a path instead of a tuple; it is the embedded broker's.
    elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        for heard in _listening:
            heard.connections.append(f"{args[1][0]}:{args[1][1]}")
