"""An S3 server over HTTPS that refuses what some S3-compatible servers refuse."""

from __future__ import annotations

import contextlib
import re
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.support.raw_server import CERTIFICATE

# This is the name in its certificate; tests resolve it to this machine.
HOST = "media.example"


@dataclass
class Request:
    """One request; the names of its headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class S3Stub:
    """Keeps objects by path; `error`, if set, is the code and status of every response."""

    port: int = 0
    error: tuple[str, int] | None = None
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"https://{HOST}:{self.port}"


@contextlib.contextmanager
def running() -> Iterator[S3Stub]:
    stub = S3Stub()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(stub)) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        # A handshake in accept() would block other connections.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        stub.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()


def _refusal(headers: dict[str, str]) -> tuple[str, int] | None:
    """Return code and status of the response to headers that such servers do not support."""
    if {"x-amz-sdk-checksum-algorithm", "x-amz-trailer", "x-amz-checksum-mode"} & headers.keys():
        return "InvalidArgument", 400
    if "aws-chunked" in headers.get("content-encoding", ""):
        return "NotImplemented", 501
    return ("MissingContentLength", 411) if "transfer-encoding" in headers else None


def _handler(stub: S3Stub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def respond(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            if "transfer-encoding" in headers:
                # If the connection closed before the trailer, the client would get no response.
                self.skip_lines()
                self.skip_lines()
            stub.requests.append(Request(self.command, self.path, headers))
            if refusal := stub.error or _refusal(headers):
                code, status = refusal
                self.answer(status, f"<Error><Code>{code}</Code><Message>s3cret</Message></Error>")
                self.close_connection = True
            else:
                self.serve(body)

        # http.server calls these names.
        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = respond  # noqa: N815

        def skip_lines(self) -> None:
            while self.rfile.readline().strip():
                pass

        def serve(self, body: bytes) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query, keep_blank_values=True)
            pieces = sorted(name for name in stub.objects if name.startswith(f"{parts.path}?"))
            match self.command:
                case "PUT":
                    number = f"?{int(query['partNumber'][0]):05}" if query else ""
                    stub.objects[parts.path + number] = body
                    self.answer(200, etag='"etag"')
                case "POST" if "uploads" in query:
                    self.answer(200, "<R><UploadId>1</UploadId></R>")
                case "POST":
                    stub.objects[parts.path] = b"".join(map(stub.objects.pop, pieces))
                    self.answer(200, "<R><ETag>etag</ETag></R>")
                case "DELETE":
                    stub.objects.pop(parts.path, None)
                    self.answer(204)
                case _ if parts.path not in stub.objects:
                    self.answer(404, "<Error><Code>NoSuchKey</Code></Error>")
                case _:
                    first = re.search(r"\d+", self.headers.get("Range", ""))
                    self.answer(200, stub.objects[parts.path][int(first[0]) if first else 0 :])

        def answer(self, status: int, body: str | bytes = b"", **headers: str) -> None:
            content = body.encode() if isinstance(body, str) else body
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    return Handler
