"""A small POST to a URL that the operator configured, such as an outgoing webhook.

Unlike a media URL, it is trusted, so it may lead into a private network. Over https the certificate
proves that the response comes from the named host, whatever DNS says; plain http is allowed only to
this machine. No redirect is followed.
"""

import ipaddress
from collections.abc import Mapping

import requests
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from mediapipe.fetching.http.deadline import Deadline
from mediapipe.fetching.http.download import read_response
from mediapipe.fetching.http.errors import network_failures
from mediapipe.fetching.http.session import (
    PinnedAdapter,
    PinnedConnection,
    PinnedTlsConnection,
    Session,
    session,
)
from mediapipe.providers.base import Response
from mediapipe.redaction import host_of

# From name resolution to the end of the response; the receiver should only store the message.
TIMEOUT_S = 15.0


def post(
    url: str, body: bytes, headers: Mapping[str, str], timeout_s: float | None = None
) -> Response:
    """Return the response with the first 16 KiB of its body, within 15 seconds (or `timeout_s`).

    Raises the TransientFailure of a network error, and AddressRefused for plain http to another
    machine. The exceptions name only the host, because the URL may be a secret.
    """
    timeout_s = timeout_s or TIMEOUT_S
    with Deadline(timeout_s) as deadline, network_failures(host_of(url), deadline):
        raw: requests.Response = session(OperatorsSession).post(
            url,
            data=body,
            headers=dict(headers),
            timeout=timeout_s,
            stream=True,
            allow_redirects=False,
        )
        return read_response(raw)


def is_loopback(text: str) -> bool:
    """Return whether the address is this machine."""
    return ipaddress.ip_address(text).is_loopback


def is_any(text: str) -> bool:
    """Return True: the certificate proves the host, whatever its address."""
    return True


class _Connection(PinnedConnection):
    may_connect_to = staticmethod(is_loopback)


class _TlsConnection(PinnedTlsConnection):
    may_connect_to = staticmethod(is_any)


class _OperatorsPool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _OperatorsTlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(PinnedAdapter):
    pools = {"http": _OperatorsPool, "https": _OperatorsTlsPool}


class OperatorsSession(Session):
    """A session for URLs that the operator configured, not for those of webhooks."""

    adapter = _Adapter
