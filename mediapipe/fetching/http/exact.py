"""One request whose bytes are sent exactly as given, over a connection of its own.

requests and urllib3's pools rewrite the escapes of a URL, which a signature covers. A connection
that is used once is never idle, so the other side cannot have closed it: a failure before it is
open means that the request was not received.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

from django.conf import settings
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.response import HTTPResponse

from mediapipe.fetching.http.deadline import Deadline
from mediapipe.fetching.http.errors import network_failures
from mediapipe.fetching.http.session import PinnedConnection, PinnedTlsConnection

CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to connect; with `is_tls` the certificate must be that of `server_name`."""

    host: str
    port: int
    is_tls: bool
    server_name: str
    may_connect_to: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class ExactRequest:
    """`target` is the path and query exactly as sent; `body` is None for a GET."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(slots=True)
class Exchange:
    """What is known about an exchange; filled in as it proceeds, and kept after a failure.

    `connect_s` is None until the connection is open, `status` until the response head is complete;
    `body` is at most as long as requested. Times are in seconds.
    """

    connect_s: float | None = None
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


def send_exactly(
    request: ExactRequest,
    to: Destination,
    exchange: Exchange,
    *,
    timeout_s: float,
    max_bytes: int,
) -> None:
    """Send the request and read up to `max_bytes` of the body into `exchange`.

    No redirect is followed. Raises the TransientFailure of a network error, `timeout_s` included,
    and AddressRefused.
    """
    with Deadline(timeout_s) as deadline, network_failures(to.host, deadline):
        connection = _connection(to, min(CONNECT_TIMEOUT_S, timeout_s))
        try:
            connection.connect()
            exchange.connect_s = time.monotonic() - deadline.began
            connection.timeout = max(deadline.remaining_s, 0.01)
            with closing(_response(connection, request)) as response:
                # The deadline closes the connection, which looks like the end of a head or body.
                deadline.check()
                if response.status < 200:
                    raise http.client.BadStatusLine(str(response.status))
                exchange.status = response.status
                exchange.headers = tuple(response.headers.iteritems())
                while packet := response.read1(max_bytes - len(exchange.body)):
                    exchange.body += packet
                deadline.check()
        finally:
            connection.close()


def _connection(to: Destination, timeout_s: float) -> PinnedConnection:
    if to.is_tls:
        connection: PinnedConnection = PinnedTlsConnection(
            to.host,
            to.port,
            timeout=timeout_s,
            cert_reqs="CERT_REQUIRED",
            ca_certs=DEFAULT_CA_BUNDLE_PATH,
            ca_cert_data=settings.MEDIA_CA_CERTIFICATES or None,
            server_hostname=to.server_name,
        )
    else:
        connection = PinnedConnection(to.host, to.port, timeout=timeout_s)
    connection.may_connect_to = to.may_connect_to  # type: ignore[assignment]
    return connection


def _response(connection: PinnedConnection, request: ExactRequest) -> HTTPResponse:
    connection.request(
        request.method,
        request.target,
        body=request.body,
        headers=dict(request.headers),
        preload_content=False,
        decode_content=False,
    )
    return connection.getresponse()
