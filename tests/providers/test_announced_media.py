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
from tests.support.payloads.provider import failure_of, message, only_media
from tests.support.payloads.twilio import (
    MEDIA_SIDS,
    MEDIA_URLS,
    RECORDING_URL,
)


def url_field(number: object, url: str = MEDIA_URLS[0]) -> str:
    return f"MediaUrl{number}={quote(url, safe='')}"


@pytest.mark.parametrize("count", ["NumMedia=0", "", "NumMedia=abc", "NumMedia=-1", "NumMedia=1"])
def test_a_media_url_is_accepted_whatever_the_value_of_num_media(count: str) -> None:
    assert only_media(message(count, url_field(0))).failure is None


@pytest.mark.parametrize("count", ["abc", "-1", "", "1.0", "1e3", "%D9%A2", "9" * 5000])
def test_a_num_media_value_that_is_not_a_number_is_ignored(count: str) -> None:
    assert message(f"NumMedia={count}").media == ()


@pytest.mark.parametrize(
    ("count", "detail"),
    [("2", "NumMedia says 2, 1 URL came"), ("99999", "NumMedia says 99999, 1 URL came")],
)
def test_missing_media_urls_are_one_failed_item_beside_the_valid_one(
    count: str, detail: str
) -> None:
    there, missing = message(f"NumMedia={count}", url_field(0)).media
    assert there.failure is None
    assert (missing.identity, missing.url) == ("unnamed", "")
    assert failure_of(missing) == (UrlMissing, detail)


def test_num_media_without_any_media_url_results_in_one_failed_item() -> None:
    item = only_media(message("NumMedia=1", "MediaUrl0="))
    assert failure_of(item) == (UrlMissing, "NumMedia says 1, 0 URLs came")


def test_a_gap_in_the_media_numbers_loses_no_media() -> None:
    inbound = message("NumMedia=2", url_field(2, MEDIA_URLS[1]), url_field(0))
    assert [item.url for item in inbound.media] == MEDIA_URLS[:2]


def test_media_urls_are_ordered_by_their_numbers() -> None:
    fields = [url_field(number, MEDIA_URLS[i]) for i, number in enumerate((2, 10, 1))]
    assert [item.url for item in message(*fields).media] == [
        MEDIA_URLS[2],
        MEDIA_URLS[0],
        MEDIA_URLS[1],
    ]


def test_media_named_more_than_once_is_one_item() -> None:
    http = MEDIA_URLS[0].replace("https", "http")
    inbound = message("NumMedia=3", url_field(0), url_field(1), url_field(2, http))
    assert only_media(inbound).url == MEDIA_URLS[0]


def test_media_named_twice_has_the_content_type_declared_first() -> None:
    types = ["MediaContentType0=image/png", "MediaContentType1=image/gif"]
    item = only_media(message(url_field(0), url_field(1), *types))
    assert item.declared_content_type == "image/png"


def test_two_urls_in_one_repeated_parameter_are_two_items() -> None:
    inbound = message(url_field(0), url_field(0, MEDIA_URLS[1]))
    assert [item.url for item in inbound.media] == MEDIA_URLS[:2]


def test_the_first_50_media_urls_are_accepted_and_one_failed_item_reports_the_rest() -> None:
    stem = MEDIA_URLS[0][:-4]
    inbound = message("NumMedia=60", *(url_field(n, f"{stem}{n:04}") for n in range(60)))
    *taken, rest = inbound.media
    assert [item.url for item in taken] == [f"{stem}{n:04}" for n in range(50)]
    assert failure_of(rest) == (UrlMissing, "60 URLs came, of which 50 are taken")


@pytest.mark.parametrize(
    "name", ["MediaUrl", "MediaUrlX", "MediaUrl-1", "MediaUrl0x", "xMediaUrl0"]
)
def test_a_media_url_parameter_without_a_valid_number_is_ignored(name: str) -> None:
    assert message(f"{name}={quote(MEDIA_URLS[0])}").media == ()


def test_a_media_url_parameter_numbered_with_non_ascii_digits_is_ignored() -> None:
    assert message(url_field(quote("\u0662"))).media == ()


def test_a_refused_url_is_kept_with_its_reason_and_does_not_affect_other_media() -> None:
    evil = "https://evil.example/" + "a" * 4096
    refused, good = message(url_field(0, evil), url_field(1)).media
    assert good.failure is None
    assert refused.identity == "refused-" + sha256(evil.encode()).hexdigest()[:32]
    assert (refused.url, refused.media_sid) == (evil[:2000], "")
    reason = "It is not the address of a message's media or of a recording."
    assert failure_of(refused) == (AddressRefused, reason)


def test_the_media_of_another_account_is_refused() -> None:
    url = MEDIA_URLS[0].replace(twilio.ACCOUNT_SID, "AC" + "f" * 32)
    assert failure_of(only_media(message(url_field(0, url)))) == (
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
def test_the_declared_content_type_is_kept_as_one_short_line(declared: str, kept: str) -> None:
    assert only_media(message(url_field(0), declared)).declared_content_type == kept


def test_the_picture_of_an_advert_is_announced_as_media() -> None:
    url = quote(MEDIA_URLS[1], safe="")
    more = ["ReferralNumMedia=1", f"ReferralMediaUrl={url}", "ReferralMediaContentType=image/png"]
    _, advert = message("NumMedia=1", url_field(0), *more).media
    assert advert == AnnouncedMedia(MEDIA_SIDS[1], MEDIA_URLS[1], MEDIA_SIDS[1], "image/png")


@pytest.mark.parametrize("url", ["", "https://scontent.example/a.jpg", RECORDING_URL])
def test_the_picture_of_an_advert_at_any_other_url_is_ignored(url: str) -> None:
    assert message(f"ReferralMediaUrl={quote(url)}").media == ()
