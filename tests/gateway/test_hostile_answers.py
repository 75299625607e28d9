"""Whatever an app answers, Twilio gets an answer that it takes, and the delivery says why."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from mediapipe.models import GatewayDelivery
from mediapipe.simulator import payloads
from tests.support import make
from tests.support.gateway import configure
from tests.support.raw_server import Script, answer, cut, redirect, serve
from tests.support.webhooks import send

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("published", "flights"),
]

LONG_S = 30.0
EMPTY = b"<Response/>"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
# Ten entities, each ten times the one before: a gigabyte of text.
BOMB = b"".join(
    b'<!ENTITY e%d "%s">' % (number, b"&e%d;" % (number - 1) * 10) for number in range(1, 10)
)
BOMB = b'<!DOCTYPE r [<!ENTITY e0 "x">' + BOMB + b"]><Response>&e9;</Response>"


def flood(connection: socket.socket) -> None:
    connection.sendall(OK + b"Content-Length: 1073741824\r\n\r\n")
    while True:
        connection.sendall(bytes(1024 * 1024))


def exchange(settings: Settings, folder: Path, script: Script) -> tuple[Any, GatewayDelivery]:
    """Send a message to an app that runs this script; return Twilio's answer and the delivery."""
    with serve(script) as app:
        configure(settings, folder, {"url": app.url("/twilio"), "media": "leave"})
        # A GET, because the raw server reads no bodies.
        response = send(payloads.sms(account_sid=make.ACCOUNT), method="GET")
        deadline = time.monotonic() + LONG_S
        while GatewayDelivery.objects.open().exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert len(app.requests) == 1
    return response, GatewayDelivery.objects.get()


@pytest.mark.parametrize(
    ("script", "body", "state"),
    [
        (flood, EMPTY, ("delivered", "lost", "The answer is over 65536 bytes.")),
        (
            cut(answer(200, BOMB, Content_Type="text/xml")),
            EMPTY,
            ("delivered", "lost", "The answer is not TwiML: it declares a document type."),
        ),
        (
            cut(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"),
            b"",
            ("delivered", "used", "HTTP 204"),
        ),
        (cut(b""), EMPTY, ("unknown", "", "")),
        (
            cut(answer(500, b"Traceback", Content_Type="text/plain")),
            EMPTY,
            ("unknown", "not_needed", "The app responded with 500."),
        ),
    ],
    ids=["gigabyte body", "XML bomb", "204 with a body", "no response", "error page"],
)
def test_a_response_that_twilio_could_not_accept_does_not_reach_it(
    settings: Settings, tmp_path: Path, script: Script, body: bytes, state: tuple[str, str, str]
) -> None:
    response, delivery = exchange(settings, tmp_path, script)
    assert (response.status_code < 300, response.content) == (True, body)
    status, use, detail = state
    assert (delivery.status, delivery.answer) == (status, use)
    assert delivery.detail == detail or not detail


def test_a_redirect_is_passed_on_to_twilio_and_not_followed(
    settings: Settings, tmp_path: Path
) -> None:
    with serve() as login:
        response, delivery = exchange(settings, tmp_path, cut(redirect(login.url("/login"), 302)))
        assert login.connections == 0
    assert (response.status_code, response.content) == (302, b"")
    assert (delivery.status, delivery.answer) == ("delivered", "used")


def test_a_cookie_with_control_characters_is_omitted_and_the_response_used(
    settings: Settings, tmp_path: Path
) -> None:
    head = b"Set-Cookie: a=1\x01\r\nSet-Cookie: b=2; HttpOnly\r\nContent-Length: 11\r\n\r\n"
    response, delivery = exchange(settings, tmp_path, cut(OK + head + EMPTY))
    assert [cookie.OutputString() for cookie in response.cookies.values()] == [
        "b=2; Path=/webhooks/twilio/messaging/; HttpOnly"
    ]
    assert (delivery.status, delivery.answer) == ("delivered", "used")
