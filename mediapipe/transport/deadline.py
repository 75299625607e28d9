"""A bound over one whole attempt, and a shorter one over each request until its headers are in."""

import contextlib
import socket
import threading
import time
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Self

from mediapipe.failures import TooSlow

_current: ContextVar["Deadline | None"] = ContextVar("deadline", default=None)


class Deadline:
    """The end of an attempt, in force inside its `with` block, in any kind of worker pool.

    One inside another bounds a part of it; both watch the socket of that part.

    A socket timeout starts anew with every byte, so a server that drips its headers could hold us
    for days: when the time is over, a timer shuts down the socket that is being read.
    """

    def __init__(self, total_s: float) -> None:
        self._end = time.monotonic() + total_s
        self._timer = threading.Timer(total_s, self._cut)
        self._timer.daemon = True
        self._socket: socket.socket | None = None
        self._outer: Deadline | None = None
        self._token: Token[Deadline | None] | None = None

    def __enter__(self) -> Self:
        self._outer = _current.get()
        self._token = _current.set(self)
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._token:
            _current.reset(self._token)

    @property
    def remaining_s(self) -> float:
        """The seconds that are left, negative when the time is over."""
        return self._end - time.monotonic()

    def check(self) -> None:
        """Raise TooSlow when the time is over."""
        if self.remaining_s <= 0:
            raise TooSlow("The whole attempt took too long.")

    def watch(self, connected: socket.socket) -> None:
        """Shut down this socket, and no other, when the time is over; raise TooSlow if it is."""
        self._socket = connected
        if self._outer:
            self._outer.watch(connected)
        # The timer may have run before this socket was there to be shut down.
        self.check()

    def _cut(self) -> None:
        if self._socket is not None:
            # SSLSocket.shutdown() would take TLS away under the thread that reads, and it would
            # go on with what is left in the buffer as if that were plain text.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def watch(connected: socket.socket) -> None:
    """Put this socket under the deadline that is in force, if there is one."""
    deadline = _current.get()
    if deadline is not None:
        deadline.watch(connected)
