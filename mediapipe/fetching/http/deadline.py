"""A bound over one whole attempt, and a shorter one over each request until its headers are in."""

import contextlib
import math
import os
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
    for days: when the time is over, the watch shuts down the socket that is being read.
    """

    def __init__(self, total_s: float) -> None:
        self.end = time.monotonic() + total_s
        self._socket: socket.socket | None = None
        self._outer: Deadline | None = None
        self._token: Token[Deadline | None] | None = None

    def __enter__(self) -> Self:
        self._outer = _current.get()
        self._token = _current.set(self)
        _watch.begin(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _watch.end(self)
        if self._token:
            _current.reset(self._token)

    @property
    def remaining_s(self) -> float:
        """The seconds that are left, negative when the time is over."""
        return self.end - time.monotonic()

    def check(self) -> None:
        """Raise TooSlow when the time is over."""
        if self.remaining_s <= 0:
            raise TooSlow("The whole attempt took too long.")

    def watch(self, connected: socket.socket) -> None:
        """Shut down this socket, and no other, when the time is over; raise TooSlow if it is."""
        self._socket = connected
        if self._outer:
            self._outer.watch(connected)
        # The time may have been over before this socket was there to be shut down.
        self.check()

    def cut(self) -> None:
        """Shut down the socket, if there is one yet."""
        if self._socket is not None:
            # SSLSocket.shutdown() would take TLS away under the thread that reads, and it would
            # go on with what is left in the buffer as if that were plain text.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Watch:
    """Cuts each deadline that is in force when its time is over, in one thread for all of them.

    A timer has a thread of its own, and to start three of them costs more than a small download.
    """

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Know of no deadline and have no thread."""
        self._in_force: set[Deadline] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._wakes_at = math.inf

    def begin(self, deadline: Deadline) -> None:
        """Cut this deadline at its end, unless it is over before."""
        with self._changed:
            self._in_force.add(deadline)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif deadline.end < self._wakes_at:
                self._changed.notify()

    def end(self, deadline: Deadline) -> None:
        """Leave the socket of this deadline alone from now on."""
        with self._changed:
            self._in_force.discard(deadline)

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for late in [each for each in self._in_force if each.end <= now]:
                    self._in_force.remove(late)
                    late.cut()
                self._wakes_at = min((each.end for each in self._in_force), default=math.inf)
                wait_s = self._wakes_at - now
                self._changed.wait(wait_s if math.isfinite(wait_s) else None)


_watch = _Watch()
# A child has a copy of all this, but not the thread.
os.register_at_fork(after_in_child=_watch.begin_anew)


def watch(connected: socket.socket) -> None:
    """Put this socket under the deadline that is in force, if there is one."""
    deadline = _current.get()
    if deadline is not None:
        deadline.watch(connected)
