"""A web server and a mail server on loopback that record what we send."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Request(NamedTuple):
    """A request that arrived whole: path with query, headers by their lower-case names, body."""

    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class FakeServer:
    """The requests received, and the responses: each is sent once, the last one repeatedly."""

    url: str = ""
    answers: list[tuple[int, str]] = field(default_factory=lambda: [(200, "ok")])
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def answer(self) -> tuple[int, str]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextlib.contextmanager
def web_server(*answers: int) -> Iterator[FakeServer]:
    """Run a webhook receiver that responds with these statuses, one after the other."""
    fake = FakeServer(answers=[(status, "said so") for status in answers] or [(200, "ok")])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            names = {name.lower(): value for name, value in self.headers.items()}
            fake.requests.append(Request(self.path, names, self.rfile.read(length)))
            status, text = fake.answer()
            self.send_response(status)
            for name, value in fake.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, _running(server):
        fake.url = f"http://127.0.0.1:{server.server_address[1]}/hooks/s3cret"
        yield fake


@dataclass
class Mailbox:
    """The messages a mail server received, and its reply to RCPT."""

    port: int = 0
    rcpt_reply: str = "250 ok"
    messages: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)


@contextlib.contextmanager
def mail_server() -> Iterator[Mailbox]:
    """Run a mail server that accepts everything, or refuses recipients as `rcpt_reply` says."""
    mailbox = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.reply("220 ready")
            while line := self.rfile.readline().decode().strip():
                verb = line.partition(" ")[0].upper()
                if verb == "DATA":
                    self.receive_message()
                elif verb == "RCPT":
                    mailbox.recipients.append(line)
                    self.reply(mailbox.rcpt_reply)
                else:
                    self.reply("221 bye" if verb == "QUIT" else "250 ok")

        def receive_message(self) -> None:
            self.reply("354 go on")
            lines = iter(lambda: self.rfile.readline().decode(), ".\r\n")
            mailbox.messages.append("".join(lines))
            self.reply("250 taken")

        def reply(self, answer: str) -> None:
            self.wfile.write(f"{answer}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server, _running(server):
        mailbox.port = server.server_address[1]
        yield mailbox


@contextlib.contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
