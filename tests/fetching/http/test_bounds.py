import io
import socket
import threading
import time

import pytest
from pytest_django import Settings

from mediapipe.failures import TooLarge, TooSlow, TransientMedia404
from mediapipe.fetching.http.download import PACKET_BYTES
from tests.support.downloads import Download, get, loopback  # noqa: F401
from tests.support.raw_server import Script, answer, drip, serve, silence

pytestmark = pytest.mark.usefixtures("loopback")

OK = b"HTTP/1.1 200 OK\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# Each script goes on for ever, and sends often enough that no read timeout expires.
DRIPS: dict[str, Script] = {
    "the status line": drip(b"", b"H"),
    "a header": drip(OK, b"x"),
    "headers": drip(OK, b"X: y\r\n"),
    "continuations": drip(b"", CONTINUE),
    "a body of known length": drip(OK + b"Content-Length: 999999\r\n\r\n", b"x"),
    "a body of unknown length": drip(OK + b"\r\n", b"x"),
    "chunks": drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "the size of a chunk": drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "trailers": drip(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"X: y\r\n"),
}


@pytest.mark.parametrize("dripped", DRIPS)
def test_a_dripped_response_is_cut_off_at_the_deadline(dripped: str, settings: Settings) -> None:
    settings.MEDIA_TOTAL_TIMEOUT_S = 0.5
    with serve(DRIPS[dripped]) as origin:
        began = time.monotonic()
        Download(origin.url()).fails_as(TooSlow)
    assert 0.45 < time.monotonic() - began < 15


def test_the_deadline_covers_all_hops_together(settings: Settings) -> None:
    settings.MEDIA_TOTAL_TIMEOUT_S = 0.6

    def redirect_slowly(connection: socket.socket) -> None:
        time.sleep(0.4)
        connection.sendall(answer(307, Location="/next", Connection="close"))

    with serve(redirect_slowly, redirect_slowly) as origin:
        began = time.monotonic()
        Download(origin.url()).fails_as(TooSlow)
    assert time.monotonic() - began < 15


def test_an_error_whose_body_is_dripped_is_still_that_error(settings: Settings) -> None:
    settings.MEDIA_TOTAL_TIMEOUT_S = 1.5
    with serve(drip(b"HTTP/1.1 404 Not Found\r\n\r\n", b"x")) as origin:
        Download(origin.url()).fails_as(TransientMedia404)


@pytest.mark.parametrize("sent", [b"", OK, OK + b"Content-Length: 9\r\n\r\nmedia"])
def test_a_silent_server_is_given_up_after_the_read_timeout(
    sent: bytes, settings: Settings
) -> None:
    settings.MEDIA_READ_TIMEOUT_S = 0.3
    with serve(silence(sent)) as origin:
        began = time.monotonic()
        Download(origin.url()).fails_as(TooSlow)
    assert time.monotonic() - began < 15


def test_a_name_that_is_never_resolved_is_given_up_after_the_connect_timeout(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def find(*_: object, **__: object) -> list[object]:
        over.wait(30)
        return []

    settings.MEDIA_CONNECT_TIMEOUT_S = 0.3
    monkeypatch.setattr(socket, "getaddrinfo", find)
    began = time.monotonic()
    Download("http://media.example/").fails_as(TooSlow)
    assert time.monotonic() - began < 15
    over.set()


def test_a_body_of_exactly_the_cap_is_accepted(settings: Settings) -> None:
    settings.MEDIA_MAX_BYTES = 1000
    with serve(answer(200, b"x" * 1000)) as origin:
        assert len(get(origin.url())) == 1000


def test_a_body_over_the_cap_is_refused_before_it_is_read(settings: Settings) -> None:
    settings.MEDIA_MAX_BYTES = 1000
    with serve(silence(OK + b"Content-Length: 1001\r\n\r\n")) as origin:
        one = Download(origin.url())
        one.fails_as(TooLarge)
    assert one.evidence.bytes_received == 0


@pytest.mark.parametrize("framing", [b"\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
def test_an_endless_body_is_cut_off_at_the_cap(framing: bytes, settings: Settings) -> None:
    settings.MEDIA_MAX_BYTES = 300_000
    with serve(drip(OK + framing, b"1000\r\n" + b"x" * 4096 + b"\r\n", every_s=0)) as origin:
        one = Download(origin.url())
        one.fails_as(TooLarge)
    assert isinstance(one.to, io.BytesIO)
    assert len(one.to.getvalue()) <= 300_000
    # The cap is checked after each packet, which has what had arrived, up to PACKET_BYTES.
    assert one.evidence.bytes_received <= 300_000 + PACKET_BYTES


def test_only_the_head_of_an_endless_error_body_is_read() -> None:
    with serve(drip(b"HTTP/1.1 404 No\r\n\r\n", b"x" * 65536, every_s=0)) as origin:
        began = time.monotonic()
        Download(origin.url()).fails_as(TransientMedia404)
    assert time.monotonic() - began < 15
