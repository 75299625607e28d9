"""Apps behind the gateway, on real sockets; they record each request as received."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from django.core.handlers.wsgi import WSGIRequest
from django.db import connection

TWIML = "<Response><Message>Hello</Message></Response>"


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as received: `target` and `body` unchanged, header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def django_request(self) -> WSGIRequest:
        """Return it as a request to a Django app that is served over plain HTTP."""
        path, _, query = self.target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            # WSGI wants the path unescaped, with one character per byte.
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(self.body)),
            "wsgi.input": BytesIO(self.body),
            "wsgi.url_scheme": "http",
            "SERVER_NAME": "app",
            "SERVER_PORT": "80",
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key.startswith("CONTENT_") else f"HTTP_{key}"] = value
        return WSGIRequest(environ)


@dataclass
class Reply:
    """The response of an app; `wait` is called before it is sent."""

    status: int = 200
    body: bytes = TWIML.encode()
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/xml"),)
    wait: Callable[[], object] = lambda: None


@dataclass
class App:
    """An app: its origin, the requests it received, and its response to each."""

    origin: str = ""
    requests: list[ReceivedRequest] = field(default_factory=list)
    answer: Callable[[ReceivedRequest], Reply] = lambda got: Reply()

    @property
    def url(self) -> str:
        return f"{self.origin}/twilio"


@contextlib.contextmanager
def app(answer: Reply | Callable[[ReceivedRequest], Reply] | None = None) -> Iterator[App]:
    """Run an app that answers with TwiML, or with `answer`."""
    running = App()
    if answer is not None:
        running.answer = (lambda got: answer) if isinstance(answer, Reply) else answer

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            got = ReceivedRequest(self.command, self.path, headers, body)
            running.requests.append(got)
            # `answer` may read the database from this thread.
            with contextlib.closing(connection):
                reply = running.answer(got)
            reply.wait()
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            # The client may have disconnected.
            with contextlib.suppress(OSError):
                self.wfile.write(reply.body)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        running.origin = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join()
