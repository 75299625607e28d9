import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django import Settings

from mediapipe.failures import BodyTruncated, ConnectionFailed, TooSlow, TransientMedia404
from mediapipe.fetching.http import session as sessions
from mediapipe.fetching.http.session import session
from tests.support.downloads import Download, get, loopback  # noqa: F401
from tests.support.raw_server import CERTIFICATE, answer, cut, drip, redirect, serve
from tests.support.servers import free_port

pytestmark = pytest.mark.usefixtures("loopback")


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nmedia")


def refuse_tls(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.fixture
def media_example(loopback: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Resolve every name to 127.0.0.1, and trust the certificate of media.example."""

    def find(host: str, port: int, **_: int) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", find)
    session().verify = str(CERTIFICATE)


def test_two_downloads_share_a_connection() -> None:
    with serve(answer(200, b"one"), answer(200, b"two")) as origin:
        assert [get(origin.url()), get(origin.url())] == [b"one", b"two"]
    assert origin.connections == 1


def test_a_chunked_body_leaves_the_connection_usable() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n"
    with serve(chunked, answer(200, b"two")) as origin:
        assert [get(origin.url()), get(origin.url())] == [b"one", b"two"]
    assert origin.connections == 1


def test_an_error_and_a_redirect_leave_the_connection_usable() -> None:
    scripts = answer(404, b"<no/>"), answer(404), redirect("/b"), answer(200, b"media")
    with serve(*scripts) as origin:
        Download(origin.url()).fails_as(TransientMedia404)
        Download(origin.url()).fails_as(TransientMedia404)
        assert get(origin.url()) == b"media"
    assert origin.connections == 1


def test_a_connection_is_not_used_again_after_a_truncated_response() -> None:
    broken = cut(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
    with serve(broken, answer(200, b"media")) as origin:
        Download(origin.url()).fails_as(BodyTruncated)
        assert get(origin.url()) == b"media"
    assert origin.connections == 2


def test_a_connection_that_was_closed_while_idle_is_not_used_again() -> None:
    with serve(cut(answer(200, b"one")), answer(200, b"two")) as origin:
        assert get(origin.url()) == b"one"
        origin.settle()
        assert get(origin.url()) == b"two"


def test_a_connection_that_was_idle_for_too_long_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions, "MAX_IDLE_S", 0.0)
    with serve(answer(200, b"one"), answer(200, b"two")) as origin:
        get(origin.url())
        get(origin.url())
    assert origin.connections == 2


def test_a_refused_connection_is_a_connection_failure() -> None:
    failure = Download(f"http://127.0.0.1:{free_port()}/").fails_as(ConnectionFailed)
    assert failure.detail == "127.0.0.1: ConnectionRefusedError"


def test_a_reset_connection_is_a_connection_failure() -> None:
    with serve(reset) as origin:
        Download(origin.url()).fails_as(ConnectionFailed)


def test_a_name_that_does_not_exist_is_a_connection_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    failure = Download("http://media.example/").fails_as(ConnectionFailed)
    assert failure.detail == "media.example: gaierror"


@pytest.mark.usefixtures("media_example")
def test_tls_verifies_the_host_name_at_the_pinned_address() -> None:
    with serve(answer(200, b"one"), answer(200, b"two"), tls=True) as origin:
        url = f"https://media.example:{origin.port}/"
        assert [get(url), get(url)] == [b"one", b"two"]
    assert origin.connections == 1


@pytest.mark.usefixtures("media_example")
def test_a_certificate_for_another_name_is_not_trusted() -> None:
    with serve(tls=True) as origin:
        Download(f"https://other.example:{origin.port}/").fails_as(ConnectionFailed)
    assert origin.requests == []


@pytest.mark.usefixtures("media_example")
def test_a_certificate_from_an_unknown_issuer_is_not_trusted() -> None:
    session().verify = True
    with serve(tls=True) as origin:
        failure = Download(f"https://media.example:{origin.port}/").fails_as(ConnectionFailed)
    assert failure.detail == f"media.example:{origin.port}: SSLCertVerificationError"


@pytest.mark.usefixtures("media_example")
def test_plain_http_where_tls_is_expected_is_a_connection_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as pool:
        pool.submit(refuse_tls, listener)
        port = listener.getsockname()[1]
        failure = Download(f"https://media.example:{port}/").fails_as(ConnectionFailed)
    assert failure.detail == f"media.example:{port}: SSLError"


@pytest.mark.usefixtures("media_example")
def test_headers_dripped_through_tls_are_cut_off_at_the_deadline(settings: Settings) -> None:
    settings.MEDIA_TOTAL_TIMEOUT_S = 0.5
    with serve(drip(b"HTTP/1.1 200 OK\r\n", b"x"), tls=True) as origin:
        began = time.monotonic()
        Download(f"https://media.example:{origin.port}/").fails_as(TooSlow)
    assert time.monotonic() - began < 15


@pytest.mark.usefixtures("media_example")
def test_a_body_dripped_through_tls_is_cut_off_at_the_deadline(settings: Settings) -> None:
    settings.MEDIA_TOTAL_TIMEOUT_S = 0.5
    with serve(drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), tls=True) as origin:
        Download(f"https://media.example:{origin.port}/").fails_as(TooSlow)
