"""One small POST to an address that the operator configured, such as an outgoing webhook.

Other than a media URL it comes from nobody else, so it may lead into a private network. Over https
the certificate proves that the answer comes from the host that was named, whatever DNS says; plain
http is for this machine alone. No redirect is followed.
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

# For everything from the name to the end of the answer; the receiver has but to note it down.
TIMEOUT_S = 15.0


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Response:
    """Return the answer with the first 16 KiB of its body, fifteen seconds from now at most.

    Raises the TransientFailure of a network that does not deliver, and AddressRefused for plain
    http to another machine. What is raised names the host, never the URL, which may be a secret.
    """
    with Deadline(TIMEOUT_S) as deadline, network_failures(host_of(url), deadline):
        response: requests.Response = session(OperatorsSession).post(
            url,
            data=body,
            headers=dict(headers),
            timeout=TIMEOUT_S,
            stream=True,
            allow_redirects=False,
        )
        return read_response(response)


def is_loopback(text: str) -> bool:
    """Return whether the address is this machine."""
    return ipaddress.ip_address(text).is_loopback


def is_any(text: str) -> bool:
    """Return True: a certificate decides."""
    return True


class _Connection(PinnedConnection):
    may_connect_to = staticmethod(is_loopback)


class _TlsConnection(PinnedTlsConnection):
    may_connect_to = staticmethod(is_any)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(PinnedAdapter):
    pools = {"http": _Pool, "https": _TlsPool}


class OperatorsSession(Session):
    """A session to where the operator says, other than to where a webhook says."""

    adapter = _Adapter
