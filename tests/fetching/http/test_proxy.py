"""The only way out is a proxy, and TLS may be re-signed: all clients use it, with all checks."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Callable

import pytest
from pytest_django import Settings

from mediapipe.failures import AddressRefused, ConnectionFailed, ProxyFailed, ResolverFailed
from mediapipe.fetching.http.post import post
from mediapipe.fetching.http.proxy import parse
from mediapipe.fetching.http.request import send_request
from mediapipe.operations.routes.twilio_api import TwilioApi, Unreachable
from mediapipe.providers.base import MediaRequest
from mediapipe.webhooks.reconciliation.twilio_client import BoundedHttpClient
from tests.support import private_ca
from tests.support.connect_proxy import HOST, PUBLIC, ConnectProxy, Names
from tests.support.downloads import ANN, Download, get
from tests.support.raw_server import CERTIFICATE, RawServer, answer, serve

pytestmark = pytest.mark.usefixtures("no_direct_route")

URL = f"https://{HOST}/2010-04-01/x.json"
CANARY = "hunter2"
TARGET = f"{PUBLIC}:443"


def metadata() -> object:
    return send_request(MediaRequest(URL, (ANN,), lambda _: False))


def delete() -> object:
    return send_request(MediaRequest(URL, (ANN,), lambda _: False), method="DELETE")


CLIENTS: dict[str, Callable[[], object]] = {
    "download": lambda: get(URL),
    "metadata": metadata,
    "deletion": delete,
    "list": lambda: BoundedHttpClient((ANN,)).request("GET", URL),
    "doctor": lambda: TwilioApi(ANN).get(URL),
    # With an empty body: the test server would read one as another request.
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
def test_no_client_reaches_the_api_without_the_proxy(
    client: str, twilio_api: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediapipe.webhooks.reconciliation.twilio_client.MAX_ATTEMPTS", 1)
    with pytest.raises((ConnectionFailed, Unreachable, AssertionError)):
        CLIENTS[client]()
    assert twilio_api.connections == 0


def test_one_tunnel_carries_many_requests(proxy: ConnectProxy) -> None:
    for _ in range(3):
        get(URL)
    assert proxy.targets == [TARGET]


def test_the_proxy_receives_no_twilio_credentials(proxy: ConnectProxy) -> None:
    metadata()
    assert "Authorization" not in proxy.requests[0]


def test_the_user_agent_is_sent_to_the_proxy(proxy: ConnectProxy, settings: Settings) -> None:
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


def test_a_name_that_cannot_be_resolved_locally_is_sent_to_the_proxy(
    proxy: ConnectProxy, names: Names
) -> None:
    del names[HOST]
    metadata()
    assert proxy.targets == [f"{HOST}:443"]


def test_a_proxy_that_refuses_the_address_is_sent_the_name(proxy: ConnectProxy) -> None:
    proxy.answers = [403]
    metadata()
    assert proxy.targets == [TARGET, f"{HOST}:443"]


def test_a_name_is_not_sent_to_the_proxy_over_plain_http(proxy: ConnectProxy, names: Names) -> None:
    proxy.answers = [403, 403]
    Download(f"http://{HOST}/").fails_as(ProxyFailed)
    assert proxy.targets == [f"{PUBLIC}:80"]
    del names[HOST]
    Download(f"http://{HOST}/").fails_as(ResolverFailed)
    assert proxy.targets == [f"{PUBLIC}:80"]


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "100.64.0.1", "fd00::1"])
def test_a_name_with_a_private_address_is_never_sent_to_the_proxy(
    address: str, proxy: ConnectProxy, names: Names, settings: Settings
) -> None:
    names.update({HOST: address, "media.example": address})
    # Only Twilio chooses the addresses of its hosts, so a wrong one is the resolver's fault.
    Download(URL).fails_as(ResolverFailed)
    Download("https://media.example/").fails_as(AddressRefused)
    assert proxy.targets == []


def test_no_request_is_sent_through_the_proxy_without_a_certificate_for_the_name(
    proxy: ConnectProxy, twilio_api: RawServer, names: Names
) -> None:
    Download("https://media.example/").fails_as(ConnectionFailed)
    del names["media.example"]
    Download("https://media.example/").fails_as(ConnectionFailed)
    assert len(proxy.targets) == 2
    assert twilio_api.requests == []


def test_an_allowed_private_network_is_reached_without_the_proxy(
    proxy: ConnectProxy, settings: Settings
) -> None:
    settings.MEDIA_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    with serve(answer(200, b"media")) as origin:
        assert get(origin.url()) == b"media"
    assert proxy.targets == []


def test_the_configured_ca_is_trusted_in_addition_to_the_default_ones(
    trusted_ca: None, monkeypatch: pytest.MonkeyPatch, names: Names
) -> None:
    names.update({HOST: "127.0.0.1", "media.example": "127.0.0.1"})
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(CERTIFICATE))
    with (
        serve(answer(200, b"ours"), tls=True, certificate=private_ca.certificate(HOST)) as ours,
        serve(answer(200, b"usual"), tls=True) as usual,
    ):
        assert get(f"https://{HOST}:{ours.port}/") == b"ours"
        assert get(f"https://media.example:{usual.port}/") == b"usual"
