"""When a proxy or the re-signing of TLS fails, an incident says so, and the items wait."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from mediapipe.failures import CertificateUntrusted, Failure, ProxyFailed
from mediapipe.fetching.http.proxy import parse
from mediapipe.fetching.http.request import send_request
from mediapipe.models import Incident
from mediapipe.providers.base import MediaRequest
from tasks.close_incidents import close_incidents
from tests.support import connect_proxy, make, private_ca
from tests.support.bad_input.files import JPEG
from tests.support.connect_proxy import HOST, PUBLIC, ConnectProxy, Names, hang
from tests.support.downloads import ANN, Download, get
from tests.support.fetching import attempt
from tests.support.raw_server import answer, cut, drip, serve
from tests.support.servers import free_port

pytestmark = pytest.mark.usefixtures("no_direct_route")

URL = f"https://{HOST}/2010-04-01/x.json"
CANARY = "hunter2"


def metadata() -> object:
    return send_request(MediaRequest(URL, (ANN,), lambda _: False))


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
def test_an_error_status_of_the_proxy_is_shown_with_its_meaning(
    proxy: ConnectProxy, status: int, remedy: str
) -> None:
    proxy.answers = [status, status]
    detail = failure_of(metadata).detail
    assert detail.startswith(f"127.0.0.1:{proxy.port}: {status} to CONNECT {HOST}:443: ")
    assert remedy in detail


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (cut(b""), "RemoteDisconnected"),
        (cut(b"SSH-2.0-OpenSSH\r\n"), "BadStatusLine"),
        (hang, "no response"),
        (drip(b"HTTP/1.1 200 OK\r\n", b"x"), "no response"),
    ],
    ids=["closes", "not a proxy", "hangs", "drips"],
)
def test_a_proxy_without_a_valid_response_is_reported_in_time(
    proxy: ConnectProxy, broken: Any, reason: str, settings: Settings
) -> None:
    settings.MEDIA_CONNECT_TIMEOUT_S = 0.6 if reason == "no response" else 15.0
    proxy.answers = [broken, broken]
    began = time.monotonic()
    detail = failure_of(lambda: get(URL)).detail
    assert time.monotonic() - began < 15
    assert detail == f"127.0.0.1:{proxy.port}: {reason} to CONNECT {HOST}:443"


def test_an_unavailable_proxy_is_reported(proxy: ConnectProxy, settings: Settings) -> None:
    closed = f"127.0.0.1:{free_port()}"
    settings.MEDIA_PROXY = parse(f"http://ann:{CANARY}@{closed}")
    assert failure_of(metadata).detail == f"{closed}: ConnectionRefusedError"


def test_a_proxy_whose_name_is_unknown_is_reported(proxy: ConnectProxy, settings: Settings) -> None:
    settings.MEDIA_PROXY = parse(f"http://ann:{CANARY}@nowhere.example:3128")
    assert failure_of(metadata).detail == "nowhere.example: gaierror"
    assert CANARY not in repr(settings.MEDIA_PROXY)


@pytest.mark.django_db
def test_items_wait_for_the_proxy_without_using_up_their_retries(
    trusted_ca: None, settings: Settings, caplog: pytest.LogCaptureFixture
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


@pytest.mark.django_db
def test_items_wait_for_a_trusted_certificate_without_using_up_their_retries(
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
