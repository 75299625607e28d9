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
def test_an_answer_that_means_not_now_is_worth_another_attempt(status: int) -> None:
    with web_server(status) as receiver:
        assert refused(receiver.url).again


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
def test_an_answer_that_means_never_is_the_last_one(status: int) -> None:
    with web_server(status) as receiver:
        assert not refused(receiver.url).again


def test_a_receiver_says_when_to_come_back() -> None:
    with web_server(429) as receiver:
        receiver.headers = {"Retry-After": "77"}
        assert refused(receiver.url).retry_after_s == 77


def test_a_redirect_is_not_followed() -> None:
    with web_server() as other, web_server(307) as receiver:
        receiver.headers = {"Location": other.url}
        assert not refused(receiver.url).again
    assert other.requests == []


def test_who_is_not_there_is_asked_again() -> None:
    undelivered = refused(NOWHERE)
    assert undelivered.again
    assert undelivered.why.startswith("connection_failed: 127.0.0.1")


def hold(connection: socket.socket) -> None:
    """Read until the client closes the connection, and send nothing."""
    with connection.makefile("rb") as heard:
        heard.read()


@pytest.mark.parametrize(
    "script", [hold, drip(b"", b"H"), drip(OK, b"x")], ids=["silence", "status line", "header"]
)
def test_who_says_nothing_is_left_after_a_while(
    monkeypatch: pytest.MonkeyPatch, script: Script
) -> None:
    monkeypatch.setattr(post, "TIMEOUT_S", 0.3)
    with serve(script) as receiver:
        began = time.monotonic()
        undelivered = refused(receiver.url("/s3cret"))
    assert undelivered.again
    assert undelivered.why.startswith("too_slow: 127.0.0.1")
    assert 0.25 < time.monotonic() - began < 15


def test_no_more_of_an_answer_is_read_than_anybody_needs() -> None:
    with serve(drip(b"HTTP/1.1 500 Sorry\r\n\r\n", b"x" * 4096, every_s=0)) as receiver:
        assert len(refused(receiver.url()).why) < SHOWN + 40


def test_what_an_answer_says_is_one_plain_line() -> None:
    with serve(cut(answer(400, b"no\r\n\x1b[31m<service>\xff"))) as receiver:
        assert refused(receiver.url()).why.endswith("400 no [31m<service>")


@pytest.mark.parametrize("host", ["192.168.1.1", "8.8.8.8", "[::ffff:10.0.0.1]"])
def test_plain_http_stays_on_this_machine(host: str) -> None:
    undelivered = refused(f"http://{host}:9/s3cret")
    assert undelivered.why.startswith("address_refused")
    assert not undelivered.again


def test_a_certificate_that_nobody_trusts_gets_nothing() -> None:
    with serve(answer(200), tls=True) as receiver:
        assert refused(receiver.url("/s3cret").replace("http:", "https:")).again
        receiver.settle()
        assert receiver.requests == []
