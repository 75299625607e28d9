"""What we send goes where the operator configured it, within bounds, and nowhere else."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest

from mediapipe.failures import Undelivered
from mediapipe.fetching.http import post, session
from mediapipe.lifecycle.send import SHOWN, send_json
from tests.support.notifications import NOWHERE
from tests.support.raw_server import Script, answer, cut, drip, serve
from tests.support.receivers import web_server

DOCUMENT = {"name": "Zoë"}
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(autouse=True)
def own_connections() -> Iterator[None]:
    session.close_session()
    yield
    session.close_session()


def refused(url: str) -> Undelivered:
    with pytest.raises(Undelivered) as caught:
        send_json(url, DOCUMENT)
    assert "s3cret" not in str(caught.value)
    return caught.value


def test_a_document_is_posted_as_json() -> None:
    with web_server() as receiver:
        assert send_json(receiver.url, DOCUMENT).endswith("200 ok")
    ((_, headers, body),) = receiver.requests
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == DOCUMENT


def test_one_connection_carries_many_documents() -> None:
    with serve(answer(204), answer(200, b"x")) as receiver:
        # The receiver would take the bytes of a request body for another request.
        for _ in range(2):
            post.post(receiver.url(), b"", {})
        assert receiver.connections == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_response_with_a_temporary_error_allows_another_attempt(status: int) -> None:
    with web_server(status) as receiver:
        assert refused(receiver.url).again


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
def test_a_response_with_a_permanent_error_allows_no_further_attempt(status: int) -> None:
    with web_server(status) as receiver:
        assert not refused(receiver.url).again


def test_retry_after_is_read_from_the_response() -> None:
    with web_server(429) as receiver:
        receiver.headers = {"Retry-After": "77"}
        assert refused(receiver.url).retry_after_s == 77


def test_a_redirect_is_not_followed() -> None:
    with web_server() as other, web_server(307) as receiver:
        receiver.headers = {"Location": other.url}
        assert not refused(receiver.url).again
    assert other.requests == []


def test_a_failed_connection_allows_another_attempt() -> None:
    undelivered = refused(NOWHERE)
    assert undelivered.again
    assert undelivered.why.startswith("connection_failed: 127.0.0.1")


def never_respond(connection: socket.socket) -> None:
    """Read until the client closes the connection, and send nothing."""
    with connection.makefile("rb") as stream:
        stream.read()


@pytest.mark.parametrize(
    "script",
    [never_respond, drip(b"", b"H"), drip(OK, b"x")],
    ids=["silence", "status line", "header"],
)
def test_waiting_for_a_response_ends_at_the_timeout(
    monkeypatch: pytest.MonkeyPatch, script: Script
) -> None:
    monkeypatch.setattr(post, "TIMEOUT_S", 0.3)
    with serve(script) as receiver:
        began = time.monotonic()
        undelivered = refused(receiver.url("/s3cret"))
    assert undelivered.again
    assert undelivered.why.startswith("too_slow: 127.0.0.1")
    assert 0.25 < time.monotonic() - began < 15


def test_only_the_start_of_a_long_response_is_kept() -> None:
    with serve(drip(b"HTTP/1.1 500 Sorry\r\n\r\n", b"x" * 4096, every_s=0)) as receiver:
        assert len(refused(receiver.url()).why) < SHOWN + 40


def test_a_response_is_shown_as_one_line_without_control_characters() -> None:
    with serve(cut(answer(400, b"no\r\n\x1b[31m<service>\xff"))) as receiver:
        assert refused(receiver.url()).why.endswith("400 no [31m<service>")


@pytest.mark.parametrize("host", ["192.168.1.1", "8.8.8.8", "[::ffff:10.0.0.1]"])
def test_plain_http_to_another_machine_is_refused(host: str) -> None:
    undelivered = refused(f"http://{host}:9/s3cret")
    assert undelivered.why.startswith("address_refused")
    assert not undelivered.again


def test_nothing_is_sent_to_a_receiver_with_an_untrusted_certificate() -> None:
    with serve(answer(200), tls=True) as receiver:
        assert refused(receiver.url("/s3cret").replace("http:", "https:")).again
        receiver.settle()
        assert receiver.requests == []
