"""Connections through the HTTP proxy of MEDIA_PROXY, where it is the only way out."""

import http.client
import socket
import time
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from django.conf import settings

from mediapipe.failures import ProxyFailed
from mediapipe.fetching.http.deadline import Deadline
from mediapipe.fetching.http.redirects import UNAMBIGUOUS

REMEDIES = {
    403: "it does not allow this destination",
    407: "set user and password in MEDIA_PROXY (only Basic is supported)",
}


@dataclass(frozen=True, slots=True)
class Proxy:
    """`authorization` is the value of Proxy-Authorization, "" without a user."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        return authority(self.host, self.port)


def parse(url: str) -> Proxy:
    """Return the proxy of `http://[user:password@]host:port`; raise ValueError for anything else.

    The error does not quote the URL, which may contain a password.
    """
    if not UNAMBIGUOUS.fullmatch(url):
        raise ValueError("characters that no URL has")
    parts = urlsplit(url)
    if parts.scheme != "http" or not (parts.hostname and parts.port):
        raise ValueError("no http:// URL with a port")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("something follows the port")
    if parts.username is None:
        return Proxy(parts.hostname, parts.port)
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return Proxy(parts.hostname, parts.port, f"Basic {b64encode(login).decode('ascii')}")


def authority(host: str, port: int) -> str:
    """Return host and port as in a URL, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def open_tunnel(connected: socket.socket, proxy: Proxy, target: str, end: float) -> None:
    """Have the proxy connect the socket to `target`, a host with its port.

    Raises ProxyFailed if it has not done so by `end` (time.monotonic).
    """
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    lines.append(f"User-Agent: mediapipe/{settings.VERSION}")
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    # A socket timeout restarts with every byte, so a dripping proxy needs the deadline.
    with Deadline(max(end - time.monotonic(), 0.01)) as deadline:
        try:
            deadline.watch(connected)
            connected.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
            # Its buffer takes no bytes of the tunnel: in TLS and HTTP the client speaks first.
            with http.client.HTTPResponse(connected, method="CONNECT") as response:
                response.begin()
            # Headers that the deadline has cut off look complete.
            deadline.check()
        except (OSError, http.client.HTTPException) as error:
            is_late = isinstance(error, TimeoutError) or deadline.remaining_s <= 0
            reason = "no response" if is_late else type(error).__name__
            raise ProxyFailed(f"{proxy.name}: {reason} to CONNECT {target}") from None
    if not 200 <= response.status < 300:
        remedy = REMEDIES.get(response.status, "it cannot connect")
        raise ProxyFailed(f"{proxy.name}: {response.status} to CONNECT {target}: {remedy}")
