"""The worker of the web server: no thread waits for the bytes of a client.

gunicorn binds the sockets, keeps the processes running and stops them; waitress speaks HTTP. Its
loop reads each request to the end before a thread runs the view, and sends what the view returned
while the thread is already free. With gunicorn's own workers a silent client, an unfinished body
and a paused download each occupy a thread (https://github.com/benoitc/gunicorn/issues/3518).
"""

from __future__ import annotations

import os
import re
import resource
import tempfile
import time
from collections import deque
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections
from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import create_server
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import RequestEntityTooLarge, RequestHeaderFieldsTooLarge

from mediapipe.queueing.watchdog import web_threads

# A connection is closed after this long without a byte in either direction. A client that reads
# slowly takes the next bytes only when a third of the kernel's buffer (4 MB) is free again.
IDLE_TIMEOUT_S = 60
# A stopping server does not wait for connections that have been silent for longer.
STOPPING_IDLE_S = 2.0
# Beyond the first megabyte, what a client has not read yet is kept in a file; only beyond this size
# does a thread wait for the client.
UNSENT_MAX_BYTES = 1024**3
# A connection can have a file for its request and one for its response, besides its socket.
FILES_PER_CONNECTION = 3
REJECTIONS = {
    RequestEntityTooLarge: "body_too_large",
    RequestHeaderFieldsTooLarge: "head_too_large",
}
WEBHOOK_TARGET = re.compile(rb"[A-Z]+ /webhooks/")
TRANSFER_ENCODING = re.compile(rb"\r\ntransfer-encoding:([^\r]*)", re.IGNORECASE)
# A path, a URL or `*`, in printable ASCII.
TARGET = re.compile(r"(?:/|https?://|\*)[!-~]*", re.IGNORECASE)
FOLDED_HEADER = re.compile(rb"\r\n[ \t]")
HOST = re.compile(rb"\r\nhost:", re.IGNORECASE)


class StrictParser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """waitress's parser, which also rejects what a proxy in front could interpret differently."""

    def parse_header(self, header_plus: bytes) -> None:
        """Parse request line and headers; raise ParsingError for the response 400."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            # From int() for thousands of digits, or from urlsplit() for half an IPv6 address.
            raise ParsingError("Request target or Content-Length is invalid") from error
        if not TARGET.fullmatch(self.request_uri) or FOLDED_HEADER.search(header_plus):
            raise ParsingError("Request target or header is invalid")
        if len(HOST.findall(header_plus)) > 1:
            raise ParsingError("More than one Host")
        codings = TRANSFER_ENCODING.findall(header_plus)
        if self.version not in {"1.0", "1.1"}:
            raise ParsingError("HTTP version is not supported")
        if codings and (self.version == "1.0" or "CONTENT_LENGTH" in self.headers):
            raise ParsingError("Transfer-Encoding does not fit the version or Content-Length")
        if len(codings) > 1 or b"," in b"".join(codings):
            raise ParsingError("More than one Transfer-Encoding")


class Task(WSGITask):  # type: ignore[misc]
    """The response of a view; while the server is stopping, it closes its connection."""

    def start(self) -> None:
        super().start()
        if not self.channel.server.accepting:
            self.set_close_on_finish()


class RefusalTask(ErrorTask):  # type: ignore[misc]
    """The response to a request that no view sees; webhooks over a limit are counted."""

    def execute(self) -> None:
        super().execute()
        # For an overlong head the parser keeps what came before the last read.
        head = self.request.header_plus or self.request.first_line
        reason = REJECTIONS.get(type(self.request.error))
        if reason and WEBHOOK_TARGET.match(head):
            # gunicorn imports this module before the app.
            from mediapipe.providers.refusals import WebhookTooLarge
            from mediapipe.webhooks.rejections import count_rejection

            close_old_connections()
            count_rejection(WebhookTooLarge(reason, self.request.error.body))


class StrictChannel(HTTPChannel):  # type: ignore[misc]
    """A connection to a client."""

    parser_class = StrictParser
    task_class = Task
    error_task_class = RefusalTask

    @property
    def is_in_use(self) -> bool:
        """Whether a view is running, or bytes of a request or response moved a moment ago."""
        idle_s = time.time() - self.last_activity
        return self.connected and (bool(self.requests) or idle_s < STOPPING_IDLE_S)


class BufferingWorker(Worker):  # type: ignore[misc]  # gunicorn has no types
    """A process of the web server.

    `queue` has the connections whose requests wait for a thread; `first_waiting` was the first of
    them at the last check.
    """

    queue: deque[Any]
    first_waiting: Any = None

    def run(self) -> None:
        """Serve until SIGTERM, then finish the requests in progress."""
        # Bodies are buffered there: in a container /tmp is in memory.
        tempfile.tempdir = str(settings.DATA_DIR)
        connections: dict[int, Any] = {}
        servers = self._servers(connections)
        while self.alive and self.ppid == os.getppid():
            self._wait(connections)
        for server in servers:
            wasyncore.dispatcher.close(server)
        deadline = time.monotonic() + self.cfg.graceful_timeout
        channels = [each for each in connections.values() if isinstance(each, StrictChannel)]
        while time.monotonic() < deadline and (
            any(each.is_in_use for each in channels) or requests_to_apps()
        ):
            self._wait(connections)

    def _servers(self, connections: dict[int, Any]) -> list[Any]:
        """Start serving the sockets that gunicorn has bound; waitress fills `connections`."""
        server = create_server(
            without_body_after_head(self.wsgi),
            map=connections,
            sockets=[listener.sock for listener in self.sockets],
            threads=self.cfg.threads + waiting_threads(),
            connection_limit=connection_limit(self.cfg.worker_connections),
            channel_timeout=IDLE_TIMEOUT_S,
            cleanup_interval=5,
            outbuf_high_watermark=UNSENT_MAX_BYTES,
            max_request_header_size=settings.REQUEST_HEAD_MAX_BYTES,
            # waitress also refuses a body of exactly this size.
            max_request_body_size=settings.WEBHOOK_MAX_BYTES + 1,
            # For requests without a Host header: ALLOWED_HOSTS always contains it.
            server_name="localhost",
            # Without it select() fails above 1024 file descriptors.
            asyncore_use_poll=True,
            log_socket_errors=False,
            # Django decides whether to trust X-Forwarded-Proto.
            clear_untrusted_proxy_headers=False,
        )
        self.queue = server.task_dispatcher.queue
        servers = [each for each in connections.values() if each.accepting]
        for server in servers:
            server.channel_class = StrictChannel
        return servers

    def _wait(self, connections: dict[int, Any]) -> None:
        """Wait up to a second for bytes, and handle them."""
        self.notify()
        wasyncore.loop(timeout=1, use_poll=True, map=connections, count=1)
        first = next(iter(self.queue.copy()), None)
        if first is None or first is not self.first_waiting:
            web_threads.touch()
        self.first_waiting = first


def waiting_threads() -> int:
    """Return how many threads may wait for apps, besides those that serve everything else."""
    # gunicorn imports this module before the app.
    from mediapipe.gateway.entries import Answer, entries

    try:
        may_wait = any(entry.answer == Answer.APP for entry in entries())
    except ImproperlyConfigured:
        # Once the file is valid it may have such an app, and it is read without a restart.
        may_wait = True
    return int(settings.GATEWAY_IN_FLIGHT) if may_wait else 0


def requests_to_apps() -> int:
    """Return how many requests to apps are in progress; their outcomes are not yet known."""
    # gunicorn imports this module before the app.
    from mediapipe.gateway.flights import slots

    return slots.taken


def connection_limit(wanted: int) -> int:
    """Return how many connections a process can hold, after raising its limit of open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted * FILES_PER_CONNECTION
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return min(wanted, soft // FILES_PER_CONNECTION)
    return wanted


def without_body_after_head(application: Any) -> Any:
    """Return the WSGI application without the bodies of its responses to HEAD.

    Django leaves them to the server, and waitress sends them.
    """

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        response = application(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return response
        response.close()
        return ()

    return serve
