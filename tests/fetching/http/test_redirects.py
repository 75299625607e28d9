import logging
import time
import traceback

import pytest

from mediapipe.failures import (
    AddressRefused,
    ConnectionFailed,
    RedirectRefused,
    TransientMedia404,
    UnexpectedResponse,
)
from mediapipe.fetching.http.redirects import target
from tests.support.downloads import Download, get, loopback  # noqa: F401
from tests.support.raw_server import answer, cut, drip, redirect, serve

pytestmark = pytest.mark.usefixtures("loopback")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_the_media_is_followed(status: int) -> None:
    with (
        serve(answer(200, b"media"), host="127.0.0.2") as cdn,
        serve(redirect(cdn.url("/a?Signature=s%2Fq"), status)) as origin,
    ):
        assert get(origin.url()) == b"media"
    assert "GET /a?Signature=s%2Fq HTTP/1.1" in cdn.requests[0]


def test_a_relative_location_is_resolved() -> None:
    with serve(redirect("../b?c=d"), answer(200, b"media")) as origin:
        assert get(origin.url("/a/x")) == b"media"
    assert "GET /b?c=d HTTP/1.1" in origin.requests[1]


def test_five_redirects_are_followed() -> None:
    hops = [redirect(f"/{number}") for number in range(5)]
    with serve(*hops, answer(200, b"media")) as origin:
        assert get(origin.url()) == b"media"


def test_a_sixth_redirect_is_refused() -> None:
    with serve(*[redirect(f"/{number}") for number in range(6)]) as origin:
        Download(origin.url()).fails_as(RedirectRefused)
    assert len(origin.requests) == 6


def test_a_redirect_loop_is_refused() -> None:
    with serve(redirect("/b"), redirect("/media")) as origin:
        Download(origin.url()).fails_as(RedirectRefused)
    assert len(origin.requests) == 2


def test_no_connection_is_made_to_a_host_that_the_provider_does_not_allow() -> None:
    with serve(host="127.0.0.2") as elsewhere, serve(redirect(elsewhere.url("/?s=x"))) as origin:
        one = Download(origin.url(), may_redirect_to=lambda url: False)
        failure = one.fails_as(RedirectRefused)
    assert elsewhere.connections == 0
    assert one.evidence.redirect_host == elsewhere.address
    assert failure.detail == f"to {elsewhere.address}"


@pytest.mark.parametrize(
    "location",
    [
        "",
        "file:///etc/passwd",
        "ftp://media.example/",
        "data:text/plain,x",
        "javascript:alert(1)",
        "http://[::1",
        "http://",
        "http:///path",
        "http://user:pw@media.example/",
        "http://api.twilio.com@evil.example/",
        r"https://127.0.0.1:80\@api.twilio.com/",
        "http://media.example:99999/",
        "http://media.example:8o/",
        "http://media example/",
        "http://me\tdia.example/",
        "http://méd.example/",
        "http://a.example/, http://b.example/",
        "http://media.example/" + "a" * 8192,
    ],
)
def test_a_location_that_cannot_be_trusted_is_refused(location: str) -> None:
    with pytest.raises(RedirectRefused):
        target("https://api.twilio.com/media", location)


def test_a_redirect_without_a_location_is_refused() -> None:
    with serve(answer(307)) as origin:
        Download(origin.url()).fails_as(RedirectRefused)


def test_a_redirect_to_a_file_is_refused() -> None:
    with serve(redirect("file:///etc/passwd")) as origin:
        Download(origin.url()).fails_as(RedirectRefused)


def test_a_redirect_to_a_private_address_is_refused() -> None:
    with serve(redirect("http://10.0.0.1/")) as origin:
        Download(origin.url()).fails_as(AddressRefused)


def test_the_endless_body_of_a_redirect_is_not_read_to_its_end() -> None:
    moved = b"HTTP/1.1 307 Moved\r\nLocation: /b\r\n\r\n"
    with serve(drip(moved, b"x" * 65536, every_s=0), answer(200, b"media")) as origin:
        began = time.monotonic()
        assert get(origin.url()) == b"media"
    assert time.monotonic() - began < 15


def test_a_404_of_the_cdn_is_classified_as_a_response_after_a_redirect() -> None:
    with serve(answer(404), host="127.0.0.2") as cdn, serve(redirect(cdn.url())) as origin:
        Download(origin.url()).fails_as(TransientMedia404)


def test_a_redirect_with_an_unknown_status_fails_as_unexpected() -> None:
    with serve(answer(300, Location="/b")) as origin:
        Download(origin.url()).fails_as(UnexpectedResponse)


def test_the_signature_of_a_cdn_url_does_not_reach_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    broken = cut(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n")
    with (
        serve(broken, host="127.0.0.2") as cdn,
        serve(redirect(cdn.url("/?Signature=hush"))) as origin,
    ):
        Download(origin.url()).fails_as(UnexpectedResponse)
    assert "hush" not in caplog.text


def test_the_signature_of_a_cdn_url_does_not_reach_the_failure() -> None:
    # For an untrusted certificate, requests puts the whole URL into its exception.
    with (
        serve(host="127.0.0.2", tls=True) as cdn,
        serve(redirect(f"https://{cdn.address}/?Signature=hush")) as origin,
    ):
        one = Download(origin.url())
        failure = one.fails_as(ConnectionFailed)
    assert "hush" not in "".join(traceback.format_exception(failure)) + repr(one.evidence)
    assert failure.detail == f"{cdn.address}: SSLCertVerificationError"
