import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mediapipe.simulator.state import State

STOP_TIMEOUT_S = 5.0


class Origin(ThreadingHTTPServer):
    """A real HTTP/1.1 server in the background, with one thread per connection."""

    # After an outage all workers connect at once; the default backlog of 5 would drop them.
    request_queue_size = 512

    def __init__(
        self, address: tuple[str, int], exchange: type[BaseHTTPRequestHandler], state: State
    ) -> None:
        """Bind `address`; port 0 picks a free one."""
        self.state = state
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        super().__init__(address, exchange)

    @property
    def url(self) -> str:
        """The origin, such as http://127.0.0.1:9701."""
        return f"http://{self.server_name}:{self.server_port}"

    def server_bind(self) -> None:
        """Bind without the reverse DNS lookup of http.server, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()[:2]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, break open connections, and wait for every thread."""
        # This wakes the listener at once on Linux; elsewhere it wakes at its poll interval.
        _shut(self.socket)
        self.shutdown()
        self.server_close()
        with self._lock:
            connections = dict(self._connections)
        for thread, connection in connections.items():
            _shut(connection)
            thread.join(STOP_TIMEOUT_S)
        self._thread.join(STOP_TIMEOUT_S)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Register the connection's thread before it runs, so that stop() finds it."""
        thread = threading.Thread(target=self._serve, args=(request, client_address), daemon=True)
        with self._lock:
            self._connections[thread] = request
        thread.start()

    def _serve(self, request: socket.socket, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            with self._lock:
                del self._connections[threading.current_thread()]


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # Already disconnected, or a listener on a system that cannot shut one down.
        return
