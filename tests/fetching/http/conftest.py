from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from mediapipe.fetching.http import session as sessions
from mediapipe.fetching.http.addresses import Address
from mediapipe.fetching.http.proxy import parse
from mediapipe.settings.network import ca_certificates
from tests.support import connect_proxy, private_ca
from tests.support.configuration import env
from tests.support.connect_proxy import HOST, PUBLIC, ConnectProxy, Names
from tests.support.downloads import loopback  # noqa: F401
from tests.support.raw_server import RawServer, answer, serve


@pytest.fixture
def names() -> Names:
    return Names({HOST: PUBLIC, "media.example": PUBLIC})


@pytest.fixture
def no_direct_route(loopback: None, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Close the direct route: only addresses of this machine are reachable."""
    connect = sessions._connect

    def direct(address: Address, timeout_s: float) -> socket.socket:
        if not address.sockaddr[0].startswith("127."):
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        return connect(address, timeout_s)

    monkeypatch.setattr(socket, "getaddrinfo", names.find)
    monkeypatch.setattr(sessions, "_connect", direct)


@pytest.fixture
def trusted_ca(settings: Settings) -> None:
    values = env(MEDIA_CA_FILE=str(private_ca.ca_file()))
    settings.MEDIA_CA_CERTIFICATES = ca_certificates(values, "MEDIA_CA_FILE")


@pytest.fixture
def twilio_api(trusted_ca: None) -> Iterator[RawServer]:
    """A server with a certificate for Twilio's name, signed by the company's CA."""
    body = answer(200, b'{"answer": 1}')
    with serve(*[body] * 9, tls=True, certificate=private_ca.certificate(HOST)) as server:
        yield server


@pytest.fixture
def proxy(twilio_api: RawServer, settings: Settings) -> Iterator[ConnectProxy]:
    with connect_proxy.running(twilio_api.port) as running:
        settings.MEDIA_PROXY = parse(f"http://127.0.0.1:{running.port}")
        yield running
