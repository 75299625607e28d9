"""A reverse proxy that can change what it forwards."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class ForwardedRequest:
    """A request to forward."""

    target: str
    headers: dict[str, str]
    body: bytes


def untouched(request: ForwardedRequest) -> ForwardedRequest:
    return request


@contextmanager
def reverse_proxy(
    behind: str, change: Callable[[ForwardedRequest], ForwardedRequest] = untouched
) -> Iterator[str]:
    """Yield the origin of a proxy in front of `behind`; it responds with 502 if that is down."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = change(ForwardedRequest(self.path, dict(self.headers), body))
            request.headers["Content-Length"] = str(len(request.body))
            status, content_type, content = forward(behind, request)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def forward(behind: str, request: ForwardedRequest) -> tuple[int, str, bytes]:
    address = urlsplit(behind)
    with closing(http.client.HTTPConnection(address.netloc, timeout=10)) as connection:
        try:
            connection.request("POST", request.target, request.body, request.headers)
        except OSError:
            return 502, "text/html", b"<h1>502 Bad Gateway</h1>"
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"] or "", response.read()


def with_host(name: str) -> Callable[[ForwardedRequest], ForwardedRequest]:
    """Return a change that sets the Host header to this name of the upstream."""
    return lambda request: replace(request, headers=request.headers | {"Host": name})
