from base64 import b64encode
from pathlib import Path

import pytest

from mediapipe.failures import Unauthorized
from tests.support.downloads import ANN, BOB, Download, get, loopback  # noqa: F401
from tests.support.raw_server import answer, redirect, serve

pytestmark = pytest.mark.usefixtures("loopback")

BASIC_ANN = "Basic " + b64encode(b"ann:first-secret").decode()
BASIC_BOB = "Basic " + b64encode(b"bob:second-secret").decode()


def authorization(request: str) -> str | None:
    lines = [line for line in request.splitlines() if line.startswith("Authorization: ")]
    return lines[0].partition(": ")[2] if lines else None


def test_the_origin_gets_the_credentials() -> None:
    with serve(answer(200, b"media")) as origin:
        get(origin.url())
    assert authorization(origin.requests[0]) == BASIC_ANN


def test_the_second_pair_is_tried_if_the_first_is_refused() -> None:
    with serve(answer(401), answer(200, b"media")) as origin:
        Download(origin.url(), credentials=(ANN, BOB)).run()
    assert [authorization(request) for request in origin.requests] == [BASIC_ANN, BASIC_BOB]


def test_the_second_pair_is_not_tried_if_the_first_is_accepted() -> None:
    with serve(answer(200, b"media")) as origin:
        Download(origin.url(), credentials=(ANN, BOB)).run()
    assert len(origin.requests) == 1


def test_a_download_is_unauthorized_if_no_pair_of_credentials_is_accepted() -> None:
    with serve(answer(401), answer(401, b"20003")) as origin:
        one = Download(origin.url(), credentials=(ANN, BOB))
        one.fails_as(Unauthorized)
    assert one.evidence.error_code == 20003


def test_a_redirect_to_another_host_gets_no_credentials() -> None:
    with (
        serve(answer(200, b"media"), host="127.0.0.2") as cdn,
        serve(redirect(cdn.url())) as origin,
    ):
        get(origin.url())
    assert authorization(cdn.requests[0]) is None


def test_a_redirect_to_the_same_host_gets_no_credentials() -> None:
    with serve(redirect("/elsewhere"), answer(200, b"media")) as origin:
        get(origin.url())
    assert authorization(origin.requests[1]) is None


def test_a_cdn_that_asks_for_credentials_gets_none() -> None:
    with serve(answer(401), host="127.0.0.2") as cdn, serve(redirect(cdn.url())) as origin:
        Download(origin.url(), credentials=(ANN, BOB)).fails_as(Unauthorized)
    assert [authorization(request) for request in cdn.requests] == [None]


def test_credentials_from_netrc_are_not_sent_to_the_cdn(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login carol password third-secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with (
        serve(answer(200, b"media"), host="127.0.0.2") as cdn,
        serve(redirect(cdn.url())) as origin,
    ):
        get(origin.url())
    assert authorization(cdn.requests[0]) is None


def test_a_proxy_from_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve() as proxy, serve(answer(200, b"media")) as origin:
        monkeypatch.setenv("http_proxy", proxy.url(""))
        assert get(origin.url()) == b"media"
    assert proxy.connections == 0


def test_a_cookie_is_not_sent_back() -> None:
    with serve(answer(200, b"1", Set_Cookie="a=b; Path=/"), answer(200, b"2")) as origin:
        get(origin.url())
        get(origin.url())
    assert "Cookie" not in origin.requests[1]


def test_a_request_names_the_program_and_asks_for_an_unencoded_body() -> None:
    with serve(answer(200, b"media")) as origin:
        get(origin.url())
    assert "User-Agent: mediapipe/1." in origin.requests[0]
    assert "Accept-Encoding: identity" in origin.requests[0]
