"""HTTP sessions that connect only to checked addresses and send nothing unasked."""

import http.client
import logging
import socket
import threading
import time
from collections.abc import Sequence
from http.cookiejar import DefaultCookiePolicy
from itertools import zip_longest
from typing import Any, ClassVar

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import InvalidHeader
from urllib3.response import HTTPResponse
from urllib3.util.response import assert_header_parsing

from mediapipe.failures import (
    AddressRefused,
    ConnectionFailed,
    ProxyFailed,
    ResolverFailed,
    TooSlow,
)
from mediapipe.fetching.http import deadline
from mediapipe.fetching.http.addresses import Address, is_allowed, is_public, resolve
from mediapipe.fetching.http.proxy import Proxy, authority, open_tunnel

# Firewalls drop idle connections silently; a request over one would time out.
MAX_IDLE_S = 30.0
# The addresses share the connect timeout; with more of them each share would be too short.
MAX_ADDRESSES = 4
POOLED_HOSTS = 8

# urllib3 logs whole URLs (at DEBUG, and when headers do not parse); signed ones are secrets.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)

_local = threading.local()


class StrictResponse(http.client.HTTPResponse):
    """A response whose headers leave no doubt about where its body ends."""

    def begin(self) -> None:
        """Read the headers; raise HeaderParsingError or InvalidHeader if they are broken."""
        # urllib3 only logs headers that do not parse, and loses those that follow. It rejects two
        # lengths, but leaves the response open; http.client closes it if this method raises.
        super().begin()
        assert_header_parsing(self.headers)
        lengths = ",".join(self.headers.get_all("Content-Length", [])).split(",")
        if len({length.strip() for length in lengths}) > 1:
            raise InvalidHeader("The response has several lengths.")


class PinnedConnection(HTTPConnection):
    """A connection to the address that was checked, so that DNS cannot change in between."""

    response_class = StrictResponse
    may_connect_to = staticmethod(is_allowed)
    is_tls = False
    _last_used = 0.0

    def _new_conn(self) -> socket.socket:
        end = time.monotonic() + float(self.timeout or 0)
        proxy: Proxy | None = settings.MEDIA_PROXY
        if proxy is None:
            return _connect_to_any(self._resolve(end), end, host=self.host)
        try:
            # Half of the time left: behind a proxy there may be no resolver for public names.
            addresses = self._resolve((time.monotonic() + end) / 2)
        except (ConnectionFailed, ResolverFailed, TooSlow) as failure:
            if not self.is_tls or isinstance(failure.__cause__, AddressRefused):
                raise
            addresses = []
        public = [address for address in addresses if is_public(address.sockaddr[0])]
        if addresses and not public:
            # The host is in our own network, which is reached without the proxy.
            return _connect_to_any(addresses, end, host=self.host)
        # IPv4 first: more proxies have it than IPv6. The name is for proxies that allow only names:
        # they resolve it themselves, but the certificate must prove it before a request is sent.
        by_family = sorted(public, key=lambda address: address.family != socket.AF_INET)
        targets = [authority(address.sockaddr[0], self.port) for address in by_family[:1]]
        if self.is_tls:
            targets.append(authority(self.host, self.port))
        return _connect_through(proxy, targets, end)

    def _resolve(self, end: float) -> list[Address]:
        return resolve(
            self._dns_host,
            self.port,
            timeout_s=max(end - time.monotonic(), 0.0),
            may_connect_to=self.may_connect_to,
        )

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """Return the response; raise TimeoutError at the deadline, or as StrictResponse does."""
        deadline.watch(self.sock)
        self._last_used = time.monotonic()
        return super().getresponse()

    @property
    def is_connected(self) -> bool:
        """Whether the connection can take another request."""
        return super().is_connected and time.monotonic() - self._last_used < MAX_IDLE_S


class PinnedTlsConnection(PinnedConnection, HTTPSConnection):
    """The same over TLS; certificate and SNI still use the host name."""

    is_tls = True


class _Pool(HTTPConnectionPool):
    ConnectionCls = PinnedConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = PinnedTlsConnection


class PinnedAdapter(HTTPAdapter):
    """Opens its connections through `pools`, by the scheme of the URL."""

    pools: ClassVar[dict[str, type[HTTPConnectionPool]]] = {"http": _Pool, "https": _TlsPool}

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        # Trusted in addition to the certificates of certifi.
        kwargs["ca_cert_data"] = settings.MEDIA_CA_CERTIFICATES or None
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self.pools


class Session(requests.Session):
    """A requests session without redirects, cookies, netrc, compression or retries.

    Only MEDIA_PROXY and MEDIA_CA_FILE configure a proxy and further certificate authorities.
    """

    adapter: ClassVar[type[PinnedAdapter]] = PinnedAdapter

    def __init__(self, *, hosts: int = POOLED_HOSTS) -> None:
        super().__init__()
        # Otherwise requests would send a netrc entry to the host of a redirect as credentials.
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers.update(
            {"User-Agent": f"mediapipe/{settings.VERSION}", "Accept-Encoding": "identity"}
        )
        for scheme in ("http://", "https://"):
            self.mount(scheme, self.adapter(pool_connections=hosts, pool_maxsize=1, max_retries=0))

    def get_once(
        self, url: str, auth: HTTPBasicAuth | None, timeout: tuple[float, float]
    ) -> requests.Response:
        """Return the response to a GET, its body unread.

        Like `get`, but without merging the session's settings into the request: the headers are the
        only ones here, and merging takes a seventh of an attempt's CPU time.
        """
        request = requests.PreparedRequest()
        request.prepare(method="GET", url=url, headers=self.headers, auth=auth)
        return self.send(request, timeout=timeout, stream=True, allow_redirects=False)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None, so that requests does not read the body of a redirect to its end."""


def session(kind: type[Session] = Session) -> Session:
    """Return this thread's session of this kind, which keeps its connections alive."""
    # requests.Session is not thread-safe.
    sessions = _sessions()
    if kind not in sessions:
        sessions[kind] = kind()
    return sessions[kind]


def close_session() -> None:
    """Close this thread's connections; the next session() opens new ones."""
    sessions = _sessions()
    while sessions:
        sessions.popitem()[1].close()


def _sessions() -> dict[type[Session], Session]:
    if not hasattr(_local, "sessions"):
        _local.sessions = {}
    found: dict[type[Session], Session] = _local.sessions
    return found


def _connect_to_any(addresses: Sequence[Address], end: float, *, host: str) -> socket.socket:
    """Return a socket to the first address that accepts before `end` (time.monotonic)."""
    # The system lists all IPv6 addresses first. Alternating gives IPv4 a turn if IPv6 has no route.
    preferred = [address for address in addresses if address.family == addresses[0].family]
    others = [address for address in addresses if address.family != addresses[0].family]
    in_turn = [a for pair in zip_longest(preferred, others) for a in pair if a is not None]
    candidates = in_turn[:MAX_ADDRESSES]
    failure: ConnectionFailed | TooSlow = ConnectionFailed(host)
    for position, address in enumerate(candidates):
        share_s = (end - time.monotonic()) / (len(candidates) - position)
        try:
            connected = _connect(address, max(share_s, 0.01))
        except TimeoutError:
            failure = TooSlow(f"{host}: connecting")
        except OSError as error:
            failure = ConnectionFailed(f"{host}: {type(error).__name__}")
        else:
            # The rest of the connect timeout is for the TLS handshake.
            connected.settimeout(max(end - time.monotonic(), 0.01))
            return connected
    raise failure


def _connect_through(proxy: Proxy, targets: Sequence[str], end: float) -> socket.socket:
    """Return a socket that the proxy has connected to the first of these targets that it can.

    Raises ProxyFailed; the targets are hosts or addresses with their ports.
    """
    failure = ProxyFailed(proxy.name)
    for position, target in enumerate(targets):
        now = time.monotonic()
        share_end = now + (end - now) / (len(targets) - position)
        connected = _connect_to_proxy(proxy, share_end)
        try:
            open_tunnel(connected, proxy, target, share_end)
        except BaseException as error:
            connected.close()
            if not isinstance(error, ProxyFailed):
                raise
            failure = error
        else:
            # The rest of the connect timeout is for the TLS handshake.
            connected.settimeout(max(end - time.monotonic(), 0.01))
            return connected
    raise failure


def _connect_to_proxy(proxy: Proxy, end: float) -> socket.socket:
    try:
        addresses = resolve(
            proxy.host,
            proxy.port,
            timeout_s=max(end - time.monotonic(), 0.0),
            # The operator chose the proxy, and most proxies are in a private network.
            may_connect_to=lambda _: True,
        )
        return _connect_to_any(addresses, end, host=proxy.name)
    except (ConnectionFailed, TooSlow) as failure:
        raise ProxyFailed(failure.detail) from None


def _connect(address: Address, timeout_s: float) -> socket.socket:
    connected = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.settimeout(timeout_s)
        connected.connect(address.sockaddr)
    except BaseException:
        connected.close()
        raise
    return connected
