"""Which media a message announces."""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import quote

import pytest

from mediapipe.failures import (
    AddressRefused,
    UrlMissing,
)
from mediapipe.providers.base import AnnouncedMedia
from tests.support.payloads import twilio
from tests.support.payloads.provider import message, only, why
from tests.support.payloads.twilio import (
    MEDIA_SIDS,
    MEDIA_URLS,
    RECORDING_URL,
)


def url_field(number: object, url: str = MEDIA_URLS[0]) -> str:
    return f"MediaUrl{number}={quote(url, safe='')}"


@pytest.mark.parametrize("count", ["NumMedia=0", "", "NumMedia=abc", "NumMedia=-1", "NumMedia=1"])
def test_a_url_counts_whatever_num_media_says(count: str) -> None:
    assert only(message(count, url_field(0))).failure is None


@pytest.mark.parametrize("count", ["abc", "-1", "", "1.0", "1e3", "%D9%A2", "9" * 5000])
def test_a_count_that_is_no_number_is_ignored(count: str) -> None:
    assert message(f"NumMedia={count}").media == ()


@pytest.mark.parametrize(
    ("count", "detail"),
    [("2", "NumMedia says 2, 1 URL came"), ("99999", "NumMedia says 99999, 1 URL came")],
)
def test_media_without_a_url_is_a_failure_of_its_own(count: str, detail: str) -> None:
    there, missing = message(f"NumMedia={count}", url_field(0)).media
    assert there.failure is None
    assert (missing.identity, missing.url) == ("unnamed", "")
    assert why(missing) == (UrlMissing, detail)


def test_no_url_at_all_is_a_failure_too() -> None:
    item = only(message("NumMedia=1", "MediaUrl0="))
    assert why(item) == (UrlMissing, "NumMedia says 1, 0 URLs came")


def test_a_gap_in_the_numbers_loses_nothing() -> None:
    inbound = message("NumMedia=2", url_field(2, MEDIA_URLS[1]), url_field(0))
    assert [item.url for item in inbound.media] == MEDIA_URLS[:2]


def test_media_are_taken_in_the_order_of_their_numbers() -> None:
    fields = [url_field(number, MEDIA_URLS[i]) for i, number in enumerate((2, 10, 1))]
    assert [item.url for item in message(*fields).media] == [
        MEDIA_URLS[2],
        MEDIA_URLS[0],
        MEDIA_URLS[1],
    ]


def test_the_same_media_twice_is_one() -> None:
    http = MEDIA_URLS[0].replace("https", "http")
    inbound = message("NumMedia=3", url_field(0), url_field(1), url_field(2, http))
    assert only(inbound).url == MEDIA_URLS[0]


def test_of_the_same_media_twice_the_first_counts() -> None:
    types = ["MediaContentType0=image/png", "MediaContentType1=image/gif"]
    item = only(message(url_field(0), url_field(1), *types))
    assert item.declared_content_type == "image/png"


def test_two_values_of_one_url_are_two_media() -> None:
    inbound = message(url_field(0), url_field(0, MEDIA_URLS[1]))
    assert [item.url for item in inbound.media] == MEDIA_URLS[:2]


def test_of_too_many_media_the_first_are_taken_and_the_rest_is_told() -> None:
    stem = MEDIA_URLS[0][:-4]
    inbound = message("NumMedia=60", *(url_field(n, f"{stem}{n:04}") for n in range(60)))
    *taken, rest = inbound.media
    assert [item.url for item in taken] == [f"{stem}{n:04}" for n in range(50)]
    assert why(rest) == (UrlMissing, "60 URLs came, of which 50 are taken")


@pytest.mark.parametrize(
    "name", ["MediaUrl", "MediaUrlX", "MediaUrl-1", "MediaUrl0x", "xMediaUrl0"]
)
def test_a_name_without_a_number_is_no_media(name: str) -> None:
    assert message(f"{name}={quote(MEDIA_URLS[0])}").media == ()


def test_digits_of_other_scripts_are_no_number() -> None:
    assert message(url_field(quote("\u0662"))).media == ()


def test_a_refused_url_is_kept_with_the_reason_and_the_others_go_on() -> None:
    evil = "https://evil.example/" + "a" * 4096
    refused, good = message(url_field(0, evil), url_field(1)).media
    assert good.failure is None
    assert refused.identity == "refused-" + sha256(evil.encode()).hexdigest()[:32]
    assert (refused.url, refused.media_sid) == (evil[:2000], "")
    reason = "It is not the address of a message's media or of a recording."
    assert why(refused) == (AddressRefused, reason)


def test_the_media_of_another_account_is_refused() -> None:
    url = MEDIA_URLS[0].replace(twilio.ACCOUNT_SID, "AC" + "f" * 32)
    assert why(only(message(url_field(0, url)))) == (
        AddressRefused,
        "It belongs to another account.",
    )


@pytest.mark.parametrize(
    ("declared", "kept"),
    [
        ("MediaContentType0=text/html", "text/html"),
        ("MediaContentType0=", ""),
        ("MediaContentType1=image/png", ""),
        ("MediaContentType0=" + "a" * 2048, "a" * 255),
        ("MediaContentType0=image/png%0D%0AX-Evil:+1%07", "image/pngX-Evil: 1"),
    ],
)
def test_the_declared_type_is_kept_as_one_short_line(declared: str, kept: str) -> None:
    assert only(message(url_field(0), declared)).declared_content_type == kept


def test_the_picture_of_an_advert_is_media_too() -> None:
    url = quote(MEDIA_URLS[1], safe="")
    more = ["ReferralNumMedia=1", f"ReferralMediaUrl={url}", "ReferralMediaContentType=image/png"]
    _, advert = message("NumMedia=1", url_field(0), *more).media
    assert advert == AnnouncedMedia(MEDIA_SIDS[1], MEDIA_URLS[1], MEDIA_SIDS[1], "image/png")


@pytest.mark.parametrize("url", ["", "https://scontent.example/a.jpg", RECORDING_URL])
def test_the_picture_of_an_advert_elsewhere_is_left_there(url: str) -> None:
    assert message(f"ReferralMediaUrl={quote(url)}").media == ()
