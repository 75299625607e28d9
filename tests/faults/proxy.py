"""A TCP proxy in front of a real server, so that a test can take the server away and bring it back.

Only the connections of the service under test go through it; the server itself stays as it is.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self

Mode = Literal["pass", "refuse", "swallow", "reset", "drop"]
# Closing with a linger time of zero sends RST instead of FIN.
RST_ON_CLOSE = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on its own port; `switch` changes what it does.

    pass: like the server itself · refuse: like a stopped server, open connections are closed ·
    swallow: connections are accepted and stay open, but no byte passes until the next switch ·
    reset: every connection, open or new, is broken with RST · drop: open connections stay open
    and silent for ever, as behind a NAT that lost their state; new connections pass.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._target = (host, port)
        self._mode: Mode = "pass"
        self._flowing = threading.Event()
        self._flowing.set()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._silent: set[socket.socket] = set()
        self._listener = _bound(0)
        self.port: int = self._listener.getsockname()[1]
        self._listen()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.switch("refuse")
        self._listener.close()

    def switch(self, mode: Mode) -> None:
        """Apply this mode to open and new connections."""
        before, self._mode = self._mode, mode
        if mode == "swallow":
            self._flowing.clear()
        else:
            self._flowing.set()
        if mode in ("refuse", "reset"):
            self._break_open()
        if mode == "drop":
            with self._lock:
                self._silent |= self._open
        if mode == "refuse" != before:
            # A bound socket that does not listen refuses connections and keeps the port.
            _shut(self._listener)
            self._listener.close()
            self._listener = _bound(self.port)
        elif before == "refuse" != mode:
            self._listen()

    def _listen(self) -> None:
        self._listener.listen(128)
        _start(self._accept, self._listener)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                _start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.socket() as server:
            with self._lock:
                # Accepted just before the switch: it would stay open during the outage.
                if self._mode == "refuse":
                    return
                self._open |= {client, server}
            try:
                self._connect(client, server)
            finally:
                with self._lock:
                    self._open -= {client, server}
                    self._silent -= {client, server}

    def _connect(self, client: socket.socket, server: socket.socket) -> None:
        self._flowing.wait()
        if self._mode == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
            return
        server.connect(self._target)
        back = _start(self._pump, server, client)
        self._pump(client, server)
        back.join()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    self._flowing.wait()
                    if source not in self._silent:
                        sink.sendall(data)
        finally:
            _shut(source)
            # The client of a silent connection must not see that the server has closed it.
            if sink not in self._silent:
                _shut(sink)

    def _break_open(self) -> None:
        with self._lock:
            for each in self._open:
                if self._mode == "reset":
                    with contextlib.suppress(OSError):
                        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
                _shut(each)


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def _start(run: Callable[..., None], *args: socket.socket) -> threading.Thread:
    thread = threading.Thread(target=run, args=args, daemon=True)
    thread.start()
    return thread


def _shut(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
