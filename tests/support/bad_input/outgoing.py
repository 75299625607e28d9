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


_recording: list[Outgoing] = []
_hooked: list[bool] = []


@contextmanager
def recorded() -> Iterator[Outgoing]:
    """Record every look-up and connection of every thread."""
    if not _hooked:
        # An audit hook cannot be removed, so it is added once.
        sys.addaudithook(_record)
        _hooked.append(True)
    outgoing = Outgoing()
    _recording.append(outgoing)
    try:
        yield outgoing
    finally:
        _recording.remove(outgoing)


def _record(event: str, args: tuple[object, ...]) -> None:
    if not _recording or not event.startswith("socket."):
        return
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        for outgoing in _recording:
            outgoing.lookups.append(str(args[0]))
    # A Unix socket has a path instead of a tuple; it is the embedded broker's.
    elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        for outgoing in _recording:
            outgoing.connections.append(f"{args[1][0]}:{args[1][1]}")
