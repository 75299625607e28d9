import contextlib
import ipaddress
import socket
import time
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from mediapipe.failures import AddressRefused, ConnectionFailed, ResolverFailed
from mediapipe.fetching.http.addresses import is_allowed, resolve
from tests.support.downloads import Download, get, loopback  # noqa: F401
from tests.support.raw_server import answer, redirect, serve

pytestmark = pytest.mark.usefixtures("loopback")


class FakeResolver:
    """Stands in for DNS: the n-th lookup gets the n-th list of addresses, the last one stays."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.lookups = 0

    def __call__(self, host: str, port: int, **_: int) -> list[tuple[object, ...]]:
        self.lookups += 1
        texts = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [self._row(text, port) for text in texts]

    def _row(self, text: str, port: int) -> tuple[object, ...]:
        if ":" in text:
            return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (text, port, 0, 0))
        return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port))


@pytest.mark.parametrize(
    "public",
    ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::36ab:ad0a"],
)
def test_public_addresses_are_allowed(public: str) -> None:
    assert is_allowed(public)


@pytest.mark.parametrize(
    "forbidden",
    [
        "0.0.0.0",  # noqa: S104
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::c612:54",
        "64:ff9b::",
        "64:ff9b:1::1",
        "64:ff9b:1::36ab:ad0a",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_an_address_that_may_lead_into_a_private_network_is_refused(
    forbidden: str, settings: Settings
) -> None:
    settings.MEDIA_ALLOWED_NETWORKS = []
    assert not is_allowed(forbidden)


def test_only_the_private_network_that_is_configured_is_allowed(settings: Settings) -> None:
    settings.MEDIA_ALLOWED_NETWORKS = [ipaddress.ip_network("10.1.0.0/16")]
    assert is_allowed("10.1.2.3")
    assert not is_allowed("10.2.2.3")


@pytest.mark.parametrize("network", ["64:ff9b::/96", "0.0.0.0/0", "10.0.0.0/8"])
def test_an_allowed_network_does_not_allow_private_addresses_behind_nat64(
    settings: Settings, network: str
) -> None:
    settings.MEDIA_ALLOWED_NETWORKS = [ipaddress.ip_network(network)]
    assert not is_allowed("64:ff9b::a00:1")
    assert is_allowed("64:ff9b::36ab:ad0a")


TWILIO_HOSTS = ["api.twilio.com", "mms.twiliocdn.com", "mcs.us1.twilio.com", "s3.amazonaws.com"]
FOREIGN_HOSTS = ["media.example", "twilio.com.evil.example", "eviltwilio.com", "localhost"]


@pytest.mark.parametrize("host", TWILIO_HOSTS)
@pytest.mark.parametrize("address", ["198.18.0.84", "10.1.2.3", "127.0.0.1", "64:ff9b::7f00:1"])
def test_a_private_address_of_a_twilio_host_is_a_resolver_failure(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, host: str, address: str
) -> None:
    settings.MEDIA_ALLOWED_NETWORKS = []
    monkeypatch.setattr(socket, "getaddrinfo", FakeResolver([address]))
    with pytest.raises(ResolverFailed, match=f"{host} is at {address}; see MEDIA_ALLOWED_NETWORKS"):
        resolve(host, 443, timeout_s=5, may_connect_to=is_allowed)


@pytest.mark.parametrize("host", TWILIO_HOSTS)
def test_an_unknown_name_of_a_twilio_host_is_a_resolver_failure(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ResolverFailed, match=f"{host}: gaierror"):
        resolve(host, 443, timeout_s=5, may_connect_to=is_allowed)


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_private_address_of_any_other_host_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    settings.MEDIA_ALLOWED_NETWORKS = []
    monkeypatch.setattr(socket, "getaddrinfo", FakeResolver(["198.18.0.84"]))
    with pytest.raises(AddressRefused):
        resolve(host, 443, timeout_s=5, may_connect_to=is_allowed)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "localhost", "::1"]
)
def test_every_spelling_of_loopback_is_refused(host: str, settings: Settings) -> None:
    settings.MEDIA_ALLOWED_NETWORKS = []
    with pytest.raises(AddressRefused):
        resolve(host, 443, timeout_s=5, may_connect_to=is_allowed)


def test_a_host_with_one_forbidden_address_among_public_ones_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_ALLOWED_NETWORKS = []
    monkeypatch.setattr(socket, "getaddrinfo", FakeResolver(["93.184.215.14", "10.0.0.1"]))
    with pytest.raises(AddressRefused, match=r"media\.example is at 10\.0\.0\.1"):
        resolve("media.example", 443, timeout_s=5, may_connect_to=is_allowed)


def test_no_connection_is_made_to_a_forbidden_address(settings: Settings) -> None:
    settings.MEDIA_ALLOWED_NETWORKS = []
    with serve() as canary:
        Download(canary.url()).fails_as(AddressRefused)
    assert canary.connections == 0


def test_a_host_behind_nat64_is_resolved_to_its_ipv6_address(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_ALLOWED_NETWORKS = []
    monkeypatch.setattr(socket, "getaddrinfo", FakeResolver(["64:ff9b::36ab:ad0a"]))
    found = resolve("api.twilio.com", 443, timeout_s=5, may_connect_to=is_allowed)
    assert [address.sockaddr[0] for address in found] == ["64:ff9b::36ab:ad0a"]


def test_no_connection_is_made_to_a_forbidden_address_behind_a_redirect(
    settings: Settings,
) -> None:
    settings.MEDIA_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.2/32")]
    with serve() as canary, serve(redirect(canary.url()), host="127.0.0.2") as origin:
        Download(origin.url()).fails_as(AddressRefused)
    assert canary.connections == 0


def test_a_name_whose_address_changes_after_the_check_is_resolved_only_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 127.0.0.3 stands for a public address; nothing listens there.
    settings.MEDIA_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.3/32")]
    resolver = FakeResolver(["127.0.0.3"], ["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    with serve(answer(200, b"inside")) as canary:
        Download(f"http://media.example:{canary.port}/").fails_as(ConnectionFailed)
    assert resolver.lookups == 1
    assert canary.connections == 0


def test_the_connection_uses_the_checked_address_and_the_host_header_the_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", FakeResolver(["127.0.0.1"], ["10.0.0.1"]))
    with serve(answer(200, b"media")) as origin:
        assert get(f"http://media.example:{origin.port}/") == b"media"
    assert f"Host: media.example:{origin.port}" in origin.requests[0]


def test_the_next_address_is_tried_if_one_refuses_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", FakeResolver(["127.0.0.3", "127.0.0.1"]))
    with serve(answer(200, b"media")) as origin:
        assert get(f"http://media.example:{origin.port}/") == b"media"


def test_media_is_downloaded_over_ipv4_if_every_ipv6_address_fails(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_ALLOWED_NETWORKS.append(ipaddress.ip_network("::1/128"))
    monkeypatch.setattr(socket, "getaddrinfo", FakeResolver([*["::1"] * 6, "127.0.0.1"]))
    with serve(answer(200, b"media")) as origin:
        assert get(f"http://media.example:{origin.port}/") == b"media"


def test_a_silent_address_uses_only_its_share_of_the_connect_timeout(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_CONNECT_TIMEOUT_S = 4.0
    monkeypatch.setattr(socket, "getaddrinfo", FakeResolver(["127.0.0.3", "127.0.0.1"]))
    with serve(answer(200, b"media")) as origin, silent("127.0.0.3", origin.port):
        began = time.monotonic()
        assert get(f"http://media.example:{origin.port}/") == b"media"
    assert 1.9 < time.monotonic() - began < 3.9


@contextlib.contextmanager
def silent(host: str, port: int) -> Iterator[None]:
    """Listen with a full backlog: connection attempts get no response, as behind a firewall."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(3):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex((host, port))
        yield
