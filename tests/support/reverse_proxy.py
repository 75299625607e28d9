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
class Passed:
    """A request to forward."""

    target: str
    headers: dict[str, str]
    body: bytes


def untouched(request: Passed) -> Passed:
    return request


@contextmanager
def reverse_proxy(behind: str, change: Callable[[Passed], Passed] = untouched) -> Iterator[str]:
    """Yield the origin of a proxy in front of this origin; it answers 502 if the origin is down."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = change(Passed(self.path, dict(self.headers), body))
            request.headers["Content-Length"] = str(len(request.body))
            status, kind, answer = passed_on(behind, request)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def passed_on(behind: str, request: Passed) -> tuple[int, str, bytes]:
    address = urlsplit(behind)
    with closing(http.client.HTTPConnection(address.netloc, timeout=10)) as connection:
        try:
            connection.request("POST", request.target, request.body, request.headers)
        except OSError:
            return 502, "text/html", b"<h1>502 Bad Gateway</h1>"
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"] or "", answer.read()


def with_host(name: str) -> Callable[[Passed], Passed]:
    """Return a change that puts the upstream's own name into the Host header."""
    return lambda request: replace(request, headers=request.headers | {"Host": name})
