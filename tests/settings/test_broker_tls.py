"""A broker over TLS gets our password only if its certificate matches its host name."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from mediapipe.queueing.broker import BOUNDS
from mediapipe.settings import broker
from tests.support.raw_server import CERTIFICATE


class TlsServer:
    """Records the first bytes that a client sends after its handshake, then hangs up."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(CERTIFICATE)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        connection, _ = self.listener.accept()
        # This refuses a second attempt of the client at once.
        self.listener.close()
        connection.settimeout(5)
        with connection:
            try:
                with self.context.wrap_socket(connection, server_side=True) as secured:
                    self.received.append(secured.recv(16))
            except OSError:
                self.received.append(b"")

    def first_bytes(self) -> bytes:
        self.thread.join(10)
        return self.received[0]


@pytest.fixture
def server() -> Iterator[TlsServer]:
    server = TlsServer()
    yield server
    server.listener.close()


@pytest.fixture(autouse=True)
def trusted_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the certificate of media.example, and resolve that name to this machine."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    resolve = socket.getaddrinfo

    def local(host: str, *args: object, **kwargs: object) -> object:
        return resolve("127.0.0.1" if host == "media.example" else host, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", local)


def connect(url: str) -> None:
    """Try to connect as the service does; the server hangs up in any case."""
    app = Celery(broker=url, set_as_current=False)
    app.conf.broker_use_ssl = broker.tls_options(url)
    options = app.conf.broker_transport_options | BOUNDS
    connection = app.connection_for_write(connect_timeout=5, transport_options=options)
    with connection, pytest.raises((OperationalError, OSError)):
        _ = connection.default_channel


@pytest.mark.parametrize(("scheme", "greeting"), [("amqps", b"AMQP"), ("rediss", b"*")])
def test_data_is_sent_to_a_broker_whose_certificate_matches_its_host_name(
    server: TlsServer, scheme: str, greeting: bytes
) -> None:
    connect(f"{scheme}://u:p@media.example:{server.port}/0")
    assert server.first_bytes().startswith(greeting)


@pytest.mark.parametrize("scheme", ["amqps", "rediss"])
def test_nothing_is_sent_to_a_broker_whose_certificate_has_another_host_name(
    server: TlsServer, scheme: str
) -> None:
    connect(f"{scheme}://u:p@127.0.0.1:{server.port}/0")
    assert server.first_bytes() == b""


@pytest.mark.parametrize("scheme", ["amqps", "rediss"])
def test_nothing_is_sent_to_a_broker_with_an_untrusted_certificate(
    server: TlsServer, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    connect(f"{scheme}://u:p@media.example:{server.port}/0")
    assert server.first_bytes() == b""


def test_tls_options_in_a_redis_url_are_not_overridden() -> None:
    assert broker.tls_options("rediss://h/0?ssl_ca_certs=/ca.pem&ssl_cert_reqs=required") is None


@pytest.mark.parametrize("url", ["amqp://h//", "redis://h/0", "redis+socket:///run/x.sock"])
def test_a_broker_without_tls_has_no_tls_options(url: str) -> None:
    assert broker.tls_options(url) is None
