from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from mediapipe.failures import (
    BodyTruncated,
    ConnectionFailed,
    RedirectRefused,
    TransientMedia404,
    Unauthorized,
)
from mediapipe.providers.base import Evidence
from tests.support.downloads import ANN, BOB, Download, loopback  # noqa: F401
from tests.support.raw_server import answer, cut, redirect, serve

pytestmark = pytest.mark.usefixtures("loopback")


def test_a_success_without_a_redirect_records_its_evidence() -> None:
    date = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=60)
    headers = {
        "Twilio_Request_Id": "RQ1",
        "X_Home_Region": "us1",
        "Content_Type": "image/jpeg",
        "Date": format_datetime(date, usegmt=True),
    }
    before = datetime.now(UTC)
    with serve(answer(200, b"media", **headers)) as origin:
        one = Download(origin.url())
        one.run()
    found_at, skew_s = one.evidence.found_at, one.evidence.clock_skew_s
    after = datetime.now(UTC)
    assert found_at is not None and before <= found_at <= after
    assert skew_s is not None and date - after <= timedelta(seconds=skew_s) <= date - before
    assert one.evidence == Evidence(
        http_status=200,
        request_id="RQ1",
        bytes_received=5,
        declared_content_type="image/jpeg",
        home_region="us1",
        found_at=found_at,
        clock_skew_s=skew_s,
    )


def test_a_404_sets_the_request_id_but_not_found_at() -> None:
    with serve(answer(404, Twilio_Request_Id="RQ1")) as origin:
        one = Download(origin.url())
        one.fails_as(TransientMedia404)
    assert one.evidence.found_at is None
    assert one.evidence.request_id == "RQ1"


def test_media_is_found_when_the_origin_redirects_even_if_the_cdn_fails() -> None:
    with serve(cut(b""), host="127.0.0.2") as cdn:
        moved = answer(307, Location=cdn.url("/?Signature=hush"), Twilio_Request_Id="RQ1")
        with serve(moved) as origin:
            one = Download(origin.url())
            one.fails_as(ConnectionFailed)
    assert one.evidence.found_at is not None
    assert one.evidence.http_status == 307
    assert one.evidence.request_id == "RQ1"
    assert one.evidence.redirect_host == cdn.address


def test_the_cdn_does_not_overwrite_the_request_id_or_the_region_of_the_origin() -> None:
    theirs = {"Twilio_Request_Id": "RQ2", "X_Home_Region": "cdn", "Content_Type": "image/png"}
    with serve(answer(200, b"media", **theirs), host="127.0.0.2") as cdn:
        moved = answer(307, Location=cdn.url(), Twilio_Request_Id="RQ1", X_Home_Region="us1")
        with serve(moved) as origin:
            one = Download(origin.url())
            one.run()
    assert (one.evidence.request_id, one.evidence.home_region) == ("RQ1", "us1")
    assert (one.evidence.http_status, one.evidence.declared_content_type) == (200, "image/png")


def test_a_later_refusal_without_a_request_id_keeps_the_earlier_one() -> None:
    with serve(answer(401, Twilio_Request_Id="RQ1"), answer(401)) as origin:
        one = Download(origin.url(), credentials=(ANN, BOB))
        one.fails_as(Unauthorized)
    assert one.evidence.request_id == "RQ1"


def test_a_truncated_body_keeps_the_evidence_recorded_before() -> None:
    response = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 9\r\n\r\nabc"
    with serve(cut(response)) as origin:
        one = Download(origin.url())
        one.fails_as(BodyTruncated)
    assert one.evidence.declared_content_type == "video/mp4"
    assert one.evidence.bytes_received == 3


def test_only_the_host_of_a_refused_redirect_is_recorded() -> None:
    with serve(redirect("https://media.example:8443/a?Signature=hush")) as origin:
        one = Download(origin.url(), may_redirect_to=lambda url: False)
        one.fails_as(RedirectRefused)
    assert one.evidence.redirect_host == "media.example:8443"


def test_headers_are_cleaned_and_shortened_to_fit_their_columns() -> None:
    with serve(answer(200, b"x", Content_Type="a\0b" + "c" * 999, Date="yesterday")) as origin:
        one = Download(origin.url())
        one.run()
    assert one.evidence.declared_content_type == "ab" + "c" * 253
    assert one.evidence.clock_skew_s is None
