"""The only way out is a proxy, and TLS may be re-signed: everything goes through, nothing else."""

from __future__ import annotations

import base64
import errno
import ipaddress
import logging
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from mediapipe.failures import (
    AddressRefused,
    CertificateUntrusted,
    ConnectionFailed,
    Failure,
    ProxyFailed,
    ResolverFailed,
)
from mediapipe.fetching.http import session as sessions
from mediapipe.fetching.http.addresses import Address
from mediapipe.fetching.http.post import post
from mediapipe.fetching.http.proxy import parse
from mediapipe.fetching.http.request import send_request
from mediapipe.management.doctor import api_client
from mediapipe.models import Incident
from mediapipe.providers.base import MediaRequest
from mediapipe.settings.network import ca_certificates
from mediapipe.webhooks.reconciliation.twilio_client import BoundedHttpClient
from tasks.close_incidents import close_incidents
from tests.support import connect_proxy, make, private_ca
from tests.support.bad_input.files import JPEG
from tests.support.configuration import env
from tests.support.connect_proxy import ConnectProxy, hang
from tests.support.downloads import ANN, Download, get, loopback  # noqa: F401
from tests.support.fetching import attempt
from tests.support.raw_server import CERTIFICATE, RawServer, answer, cut, drip, serve

pytestmark = pytest.mark.usefixtures("network")

HOST = "api.twilio.com"
URL = f"https://{HOST}/2010-04-01/x.json"
PUBLIC = "1.1.1.1"
CANARY = "hunter2"
TARGET = f"{PUBLIC}:443"


class Names(dict[str, str]):
    """What the resolver knows: the address of each host; it fails for any other."""

    def find(self, host: str, port: int, *_: Any, **__: Any) -> list[tuple[object, ...]]:
        address = host if host.startswith("127.") else self.get(host)
        if address is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]


@pytest.fixture
def names() -> Names:
    return Names({HOST: PUBLIC, "media.example": PUBLIC})


@pytest.fixture
def network(loopback: None, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Close the direct route: only addresses of this machine can be connected to."""
    connect = sessions._connect

    def direct(address: Address, timeout_s: float) -> socket.socket:
        if not address.sockaddr[0].startswith("127."):
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        return connect(address, timeout_s)

    monkeypatch.setattr(socket, "getaddrinfo", names.find)
    monkeypatch.setattr(sessions, "_connect", direct)


@pytest.fixture
def trusted(settings: Settings) -> None:
    values = env(MEDIA_CA_FILE=str(private_ca.ca_file()))
    settings.MEDIA_CA_CERTIFICATES = ca_certificates(values, "MEDIA_CA_FILE")


@pytest.fixture
def twilio_api(trusted: None) -> Iterator[RawServer]:
    """A server that has Twilio's name, by a certificate of the company's CA."""
    body = answer(200, b'{"answer": 1}')
    with serve(*[body] * 9, tls=True, certificate=private_ca.certificate(HOST)) as server:
        yield server


@pytest.fixture
def proxy(twilio_api: RawServer, settings: Settings) -> Iterator[ConnectProxy]:
    with connect_proxy.running(twilio_api.port) as running:
        settings.MEDIA_PROXY = parse(f"http://127.0.0.1:{running.port}")
        yield running


def metadata() -> object:
    return send_request(MediaRequest(URL, (ANN,), lambda _: False))


def delete() -> object:
    return send_request(MediaRequest(URL, (ANN,), lambda _: False), method="DELETE")


CLIENTS: dict[str, Callable[[], object]] = {
    "download": lambda: get(URL),
    "metadata": metadata,
    "deletion": delete,
    "list": lambda: BoundedHttpClient((ANN,)).request("GET", URL),
    "doctor": lambda: api_client.get(URL, ANN),
    # To the wire a body would be another request.
    "hand-off and notification": lambda: post(URL, b"", {}),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_uses_the_proxy_and_the_ca(
    client: str, proxy: ConnectProxy, twilio_api: RawServer
) -> None:
    CLIENTS[client]()
    assert proxy.targets == [TARGET]
    (request,) = twilio_api.requests
    assert f"Host: {HOST}" in request


@pytest.mark.parametrize("client", CLIENTS)
def test_without_a_proxy_the_direct_route_is_closed(
    client: str, twilio_api: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediapipe.webhooks.reconciliation.twilio_client.MAX_ATTEMPTS", 1)
    with pytest.raises((ConnectionFailed, api_client.Unreachable, AssertionError)):
        CLIENTS[client]()
    assert twilio_api.connections == 0


def test_one_tunnel_carries_many_requests(proxy: ConnectProxy) -> None:
    for _ in range(3):
        get(URL)
    assert proxy.targets == [TARGET]


def test_the_proxy_gets_no_credentials_of_twilio(proxy: ConnectProxy) -> None:
    metadata()
    assert "Authorization" not in proxy.requests[0]


def test_the_proxy_sees_which_program_asks(proxy: ConnectProxy, settings: Settings) -> None:
    metadata()
    assert f"\r\nUser-Agent: mediapipe/{settings.VERSION}\r\n" in proxy.requests[0]


def test_user_and_password_are_sent_to_the_proxy(proxy: ConnectProxy, settings: Settings) -> None:
    settings.MEDIA_PROXY = parse(f"http://ann%40x:{CANARY}%2F@127.0.0.1:{proxy.port}")
    metadata()
    login = base64.b64encode(f"ann@x:{CANARY}/".encode()).decode()
    assert f"Proxy-Authorization: Basic {login}\r\n" in proxy.requests[0]


def test_an_ipv6_address_is_written_in_brackets(proxy: ConnectProxy, names: Names) -> None:
    names[HOST] = "2606:4700::1111"
    metadata()
    assert proxy.targets == ["[2606:4700::1111]:443"]


def test_a_name_that_is_not_resolved_here_is_left_to_the_proxy(
    proxy: ConnectProxy, names: Names
) -> None:
    del names[HOST]
    metadata()
    assert proxy.targets == [f"{HOST}:443"]


def test_a_proxy_that_allows_names_only_gets_the_name(proxy: ConnectProxy) -> None:
    proxy.answers = [403]
    metadata()
    assert proxy.targets == [TARGET, f"{HOST}:443"]


def test_over_plain_http_the_proxy_gets_no_name(proxy: ConnectProxy, names: Names) -> None:
    proxy.answers = [403, 403]
    Download(f"http://{HOST}/").fails_as(ProxyFailed)
    assert proxy.targets == [f"{PUBLIC}:80"]
    del names[HOST]
    Download(f"http://{HOST}/").fails_as(ResolverFailed)
    assert proxy.targets == [f"{PUBLIC}:80"]


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "100.64.0.1", "fd00::1"])
def test_a_name_in_a_private_network_never_reaches_the_proxy(
    address: str, proxy: ConnectProxy, names: Names, settings: Settings
) -> None:
    names.update({HOST: address, "media.example": address})
    # Only Twilio chooses the addresses of its hosts, so a wrong one is the resolver's.
    Download(URL).fails_as(ResolverFailed)
    Download("https://media.example/").fails_as(AddressRefused)
    assert proxy.targets == []


def test_a_name_is_only_believed_with_its_certificate(
    proxy: ConnectProxy, twilio_api: RawServer, names: Names
) -> None:
    Download("https://media.example/").fails_as(ConnectionFailed)
    del names["media.example"]
    Download("https://media.example/").fails_as(ConnectionFailed)
    assert len(proxy.targets) == 2
    assert twilio_api.requests == []


def test_a_private_network_that_is_allowed_is_reached_directly(
    proxy: ConnectProxy, settings: Settings
) -> None:
    settings.MEDIA_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    with serve(answer(200, b"media")) as origin:
        assert get(origin.url()) == b"media"
    assert proxy.targets == []


def failure_of(client: Callable[[], object]) -> Failure:
    with pytest.raises(ProxyFailed) as caught:
        client()
    shown = "".join(traceback.format_exception(caught.value))
    assert CANARY not in shown
    return caught.value


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(407, "set user and password in MEDIA_PROXY"), (403, "does not allow"), (502, "connect")],
)
def test_a_status_of_the_proxy_is_said_with_its_meaning(
    proxy: ConnectProxy, status: int, remedy: str
) -> None:
    proxy.answers = [status, status]
    detail = failure_of(metadata).detail
    assert detail.startswith(f"127.0.0.1:{proxy.port}: {status} to CONNECT {HOST}:443: ")
    assert remedy in detail


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (cut(b""), "RemoteDisconnected"),
        (cut(b"SSH-2.0-OpenSSH\r\n"), "BadStatusLine"),
        (hang, "no response"),
        (drip(b"HTTP/1.1 200 OK\r\n", b"x"), "no response"),
    ],
    ids=["closes", "is no proxy", "hangs", "drips"],
)
def test_a_proxy_without_a_valid_response_is_said_in_time(
    proxy: ConnectProxy, broken: Any, said: str, settings: Settings
) -> None:
    settings.MEDIA_CONNECT_TIMEOUT_S = 0.6 if said == "no response" else 15.0
    proxy.answers = [broken, broken]
    began = time.monotonic()
    detail = failure_of(lambda: get(URL)).detail
    assert time.monotonic() - began < 15
    assert detail == f"127.0.0.1:{proxy.port}: {said} to CONNECT {HOST}:443"


def test_a_proxy_that_is_away_is_said(proxy: ConnectProxy, settings: Settings) -> None:
    with serve() as closed:
        pass
    settings.MEDIA_PROXY = parse(f"http://ann:{CANARY}@{closed.address}")
    assert failure_of(metadata).detail == f"{closed.address}: ConnectionRefusedError"


def test_a_proxy_whose_name_is_unknown_is_said(proxy: ConnectProxy, settings: Settings) -> None:
    settings.MEDIA_PROXY = parse(f"http://ann:{CANARY}@nowhere.example:3128")
    assert failure_of(metadata).detail == "nowhere.example: gaierror"
    assert CANARY not in repr(settings.MEDIA_PROXY)


@pytest.mark.django_db
def test_items_wait_for_the_proxy_without_using_up_their_retries(
    trusted: None, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    item = make.media()
    picture = answer(200, JPEG, Content_Type="image/jpeg")
    with (
        serve(picture, tls=True, certificate=private_ca.certificate(HOST)) as server,
        connect_proxy.running(server.port) as proxy,
        caplog.at_level(logging.INFO, "mediapipe"),
    ):
        settings.MEDIA_PROXY = parse(f"http://ann:{CANARY}@127.0.0.1:{proxy.port}")
        proxy.answers = [502, 502]
        assert attempt(item) == "retrying: proxy_failed"
        shown = f"127.0.0.1:{proxy.port}: 502 to CONNECT {HOST}:443: it cannot connect"
        assert item.detail == shown
        assert shown in caplog.text
        incident = Incident.objects.get()
        assert (incident.cause, incident.detail) == ("proxy_failed", f"Proxy: {shown}.")
        assert (item.fast_retries, item.slow_retries) == ({}, 0)
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1), tick=True):
            assert attempt(item) == "stored"
            close_incidents()
    incident.refresh_from_db()
    assert incident.resolved_at
    assert CANARY not in caplog.text


def test_the_ca_is_trusted_besides_the_usual_ones(
    trusted: None, monkeypatch: pytest.MonkeyPatch, names: Names
) -> None:
    names.update({HOST: "127.0.0.1", "media.example": "127.0.0.1"})
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(CERTIFICATE))
    with (
        serve(answer(200, b"ours"), tls=True, certificate=private_ca.certificate(HOST)) as ours,
        serve(answer(200, b"usual"), tls=True) as usual,
    ):
        assert get(f"https://{HOST}:{ours.port}/") == b"ours"
        assert get(f"https://media.example:{usual.port}/") == b"usual"


@pytest.mark.django_db
def test_items_wait_for_the_ca_without_using_up_their_retries(
    names: Names, settings: Settings
) -> None:
    names[HOST] = "127.0.0.1"
    item = make.media()
    with serve(tls=True, certificate=private_ca.certificate(HOST)) as server:
        failure = Download(f"https://{HOST}:{server.port}/").fails_as(CertificateUntrusted)
        assert failure.detail == f"{HOST}:{server.port}: SSLCertVerificationError"
        with connect_proxy.running(server.port) as proxy:
            settings.MEDIA_PROXY = parse(f"http://127.0.0.1:{proxy.port}")
            names[HOST] = PUBLIC
            assert attempt(item) == "retrying: certificate_untrusted"
        assert server.requests == []
    assert (item.fast_retries, item.slow_retries) == ({}, 0)
    assert Incident.objects.get().cause == "certificate_untrusted"
