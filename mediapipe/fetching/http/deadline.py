"""A time limit for a whole attempt, and a shorter one for the headers of each response."""

import contextlib
import math
import os
import socket
import threading
import time
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Self

_current: ContextVar["Deadline | None"] = ContextVar("deadline", default=None)


class Deadline:
    """The end of an attempt; applies inside its `with` block, in any kind of worker pool.

    Deadlines nest: both the inner and the outer one watch the socket in use.

    A socket timeout restarts with every byte, so a server that drips its headers could hold a
    worker for days. When the time is up, the watcher shuts down the socket that is being read.
    """

    def __init__(self, total_s: float) -> None:
        self.began = time.monotonic()
        self.end = self.began + total_s
        self._socket: socket.socket | None = None
        self._outer: Deadline | None = None
        self._token: Token[Deadline | None] | None = None

    def __enter__(self) -> Self:
        self._outer = _current.get()
        self._token = _current.set(self)
        _watcher.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _watcher.remove(self)
        if self._token:
            _current.reset(self._token)

    @property
    def remaining_s(self) -> float:
        """The seconds left, negative once the time is up."""
        return self.end - time.monotonic()

    def extend_to(self, total_s: float) -> None:
        """Move the end to `total_s` after the beginning, if that is later."""
        # The watcher reads it again when it wakes for the earlier end.
        self.end = max(self.end, self.began + total_s)

    def check(self) -> None:
        """Raise TimeoutError once the time is up; `network_failures` adds the host."""
        if self.remaining_s <= 0:
            raise TimeoutError("The whole attempt took too long.")

    def watch(self, connected: socket.socket) -> None:
        """Shut down only this socket when the time is up; raise TimeoutError if it already is."""
        self._socket = connected
        if self._outer:
            self._outer.watch(connected)
        # The time may have been up before there was a socket to shut down.
        self.check()

    def cut(self) -> None:
        """Shut down the socket, if there is one."""
        if self._socket is not None:
            # SSLSocket.shutdown() would remove TLS under the thread that is reading, which would
            # then take the rest of the buffer for plain text.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Watcher:
    """One thread that cuts off every active deadline when its time is up.

    A threading.Timer per deadline would be a thread per deadline, and starting three threads costs
    more than a small download.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._active: set[Deadline] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._wakes_at = math.inf

    def add(self, deadline: Deadline) -> None:
        """Cut this deadline off at its end, unless it is removed before then."""
        with self._changed:
            self._active.add(deadline)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif deadline.end < self._wakes_at:
                self._changed.notify()

    def remove(self, deadline: Deadline) -> None:
        with self._changed:
            self._active.discard(deadline)

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for late in [each for each in self._active if each.end <= now]:
                    self._active.remove(late)
                    late.cut()
                self._wakes_at = min((each.end for each in self._active), default=math.inf)
                wait_s = self._wakes_at - now
                self._changed.wait(wait_s if math.isfinite(wait_s) else None)


_watcher = _Watcher()
# A forked child has a copy of all this except the thread.
os.register_at_fork(after_in_child=_watcher.reset)


def watch(connected: socket.socket) -> None:
    """Put this socket under the current deadline, if there is one."""
    deadline = _current.get()
    if deadline is not None:
        deadline.watch(connected)
