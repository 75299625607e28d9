"""Whatever an app does, a request to it ends in time and with a result that says what is known."""

from __future__ import annotations

import socket
import struct
import time
from pathlib import Path

import pytest
from pytest_django import Settings

from mediapipe.gateway.entries import Entry, Retry
from mediapipe.gateway.send import MAX_BODY_BYTES, Sent, Verdict, send, verdict
from tests.support.gateway import NOWHERE, original
from tests.support.raw_server import Script, answer, cut, drip, redirect, serve, silence

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
LONG_S = 20.0


def sent_to(script: Script, timeout_s: float = LONG_S) -> Sent:
    # A GET, because the raw server reads no bodies.
    with serve(script) as app:
        return send(original(method="GET"), Entry("bot", app.url("/twilio")), timeout_s)


def outcome(sent: Sent) -> Verdict:
    return verdict(sent, Retry.SURE)


def reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_delivery_to_an_app_that_is_down_is_retried() -> None:
    sent = send(original(), Entry("bot", NOWHERE))
    assert (sent.status, sent.connect_s, outcome(sent)) == (None, None, Verdict.AGAIN)
    assert sent.detail.startswith("connection_failed: 127.0.0.1")


def test_a_delivery_to_an_unresolvable_host_is_retried() -> None:
    sent = send(original(), Entry("bot", "https://nowhere.invalid/"))
    assert outcome(sent) == Verdict.AGAIN


def test_plain_http_to_another_machine_is_refused_and_the_delivery_retried() -> None:
    sent = send(original(), Entry("bot", "http://203.0.113.1/"), timeout_s=1)
    assert sent.detail.startswith("address_refused")
    assert outcome(sent) == Verdict.AGAIN


def test_a_certificate_for_another_host_prevents_the_request_from_being_sent(
    settings: Settings,
) -> None:
    certificates = Path(__file__).parent.parent / "support" / "certificates"
    settings.MEDIA_CA_CERTIFICATES = (certificates / "media.example.pem").read_text()
    with serve(cut(answer()), tls=True) as app:
        connect = f"https://127.0.0.1:{app.port}"
        wrong = send(original(), Entry("bot", "https://bot.example/", connect=connect))
        assert (outcome(wrong), app.requests) == (Verdict.AGAIN, [])
        assert send(original(method="GET"), Entry("b", "https://media.example/", connect)).status


@pytest.mark.parametrize(
    "script",
    [
        cut(b""),
        reset,
        cut(b"HTTP/1.1 200 OK\r\nContent-Le"),
        cut(b"garbage\r\n\r\n"),
        cut(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        cut(OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        cut(OK + b"no colon\r\n\r\n"),
        cut(OK + b"A: b\r\n" * 101 + b"\r\n"),
        cut(OK + b"A: " + b"b" * 70_000 + b"\r\n\r\n"),
    ],
)
def test_a_response_without_a_readable_head_leaves_the_outcome_unknown(script: Script) -> None:
    sent = sent_to(script)
    assert (sent.status, outcome(sent)) == (None, Verdict.UNKNOWN)
    assert sent.connect_s is not None
    assert sent.detail


@pytest.mark.parametrize(
    "script",
    [
        silence(),
        silence(b"HTTP/1.1 200 OK\r\n"),
        drip(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["silence", "incomplete head", "slow head", "slow 100 responses"],
)
def test_waiting_for_a_response_head_ends_at_the_timeout(script: Script) -> None:
    began = time.monotonic()
    sent = sent_to(script, timeout_s=0.5)
    assert time.monotonic() - began < LONG_S / 2
    assert (sent.status, outcome(sent)) == (None, Verdict.UNKNOWN)
    assert sent.detail.startswith("too_slow")


@pytest.mark.parametrize(
    "script",
    [
        silence(OK + b"Content-Length: 5\r\n\r\nab"),
        drip(OK + b"\r\n", b"a"),
        cut(OK + b"Content-Length: 5\r\n\r\nab"),
        cut(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"),
    ],
    ids=["silence", "slow body", "truncated body", "truncated chunk"],
)
def test_an_incomplete_response_body_counts_as_delivered_and_is_explained(script: Script) -> None:
    sent = sent_to(script, timeout_s=2.0)
    assert (sent.status, outcome(sent)) == (200, Verdict.DELIVERED)
    assert sent.detail


@pytest.mark.parametrize("head", [b"Content-Length: 1073741824\r\n\r\n", b"\r\n"])
def test_a_gigabyte_response_is_read_only_up_to_64_kib(head: bytes) -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(OK + head)
        while True:
            connection.sendall(bytes(1024 * 1024))

    sent = sent_to(flood)
    assert (sent.status, len(sent.body)) == (200, MAX_BODY_BYTES)
    assert sent.detail == "The answer is over 65536 bytes."


def test_a_response_body_of_exactly_64_kib_is_read_completely() -> None:
    sent = sent_to(cut(answer(200, b"x" * MAX_BODY_BYTES)))
    assert (len(sent.body), sent.detail) == (MAX_BODY_BYTES, "")


def test_a_body_after_a_204_is_not_read() -> None:
    sent = sent_to(cut(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"))
    assert (sent.status, sent.body, sent.detail) == (204, b"", "")


def test_a_redirect_is_not_followed() -> None:
    with serve() as elsewhere:
        sent = sent_to(cut(redirect(elsewhere.url("/login"), 301)))
        assert (sent.status, sent.location) == (301, elsewhere.url("/login"))
        assert (outcome(sent), elsewhere.connections) == (Verdict.REFUSED, 0)


def test_a_compressed_response_is_reported_and_not_decompressed() -> None:
    sent = sent_to(cut(answer(200, b"\x1f\x8b", Content_Encoding="gzip")))
    assert sent.detail == "The answer is compressed, which the request did not allow."
