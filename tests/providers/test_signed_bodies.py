"""Bodies that cannot be read, and signed JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from mediapipe.providers.twilio.signature import verify
from tests.support.payloads import twilio
from tests.support.payloads.provider import refusal
from tests.support.payloads.signing import (
    FORM,
    URL,
    post,
    sign,
    signed_form,
    signed_get,
    signed_json,
)

SIGNATURE = "x-twilio-signature"
BODY = twilio.MMS_ONE_PICTURE
PAIRS = tuple(parse_qsl(BODY, keep_blank_values=True))
JSON_BODY = json.dumps({"AccountSid": twilio.ACCOUNT_SID, "MessageSid": twilio.MMS_SID})


@pytest.mark.parametrize("body", [b"Body=\xff", b"Body=%ff", b"%ff=1", b"Body=%ed%a0%80"])
def test_a_form_that_is_not_utf8_is_unreadable(body: bytes) -> None:
    assert refusal(post(body, signature="")) == "400 invalid_utf8"


def test_a_query_that_is_not_utf8_is_unreadable() -> None:
    assert refusal(signed_get("Body=%ff")) == "400 invalid_utf8"


def test_a_url_that_cannot_be_encoded_is_unreadable() -> None:
    assert refusal(post(BODY.encode(), url="https://h\udc80/", signature="")) == "400 invalid_utf8"


def test_at_most_a_thousand_parameters_are_accepted() -> None:
    body = BODY + "&a=" * (1000 - len(PAIRS))
    assert len(verify(signed_form(body))) == 1000
    assert refusal(signed_form(body + "&a=")) == "400 too_many_parameters"
    assert refusal(signed_get(body + "&a=")) == "400 too_many_parameters"


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "text/plain", ""])
def test_a_body_of_another_content_type_is_unreadable(content_type: str) -> None:
    request = post(BODY.encode(), signature=sign(URL, list(PAIRS)), content_type=content_type)
    assert refusal(request) == "400 content_type"


@pytest.mark.parametrize("charset", ["latin-1", "nonsense", ""])
def test_the_charset_of_a_form_is_ignored(charset: str) -> None:
    content_type = f"Application/X-WWW-Form-Urlencoded; charset={charset}"
    request = post(BODY.encode(), signature=sign(URL, list(PAIRS)), content_type=content_type)
    assert verify(request) == PAIRS


def test_an_empty_post_is_refused() -> None:
    assert refusal(post(b"", signature=sign(URL), content_type="")) == "403 account_sid"


def test_json_without_a_hash_in_the_url_is_refused() -> None:
    request = post(JSON_BODY.encode(), signature=sign(URL), content_type="application/json")
    assert refusal(request) == "403 body_hash"


def test_json_with_a_wrong_hash_is_refused() -> None:
    request = replace(signed_json(JSON_BODY), body=JSON_BODY.encode() + b" ")
    assert refusal(request) == "403 body_hash"


def test_json_with_two_hashes_is_refused() -> None:
    request = signed_json(JSON_BODY)
    url = f"{request.url}&bodySHA256={'0' * 64}"
    signed = replace(request, url=url, headers={**request.headers, SIGNATURE: sign(url)})
    assert refusal(signed) == "403 body_hash"


def test_json_with_the_right_hash_and_a_wrong_signature_is_refused() -> None:
    request = signed_json(JSON_BODY)
    forged = replace(request, headers={**request.headers, SIGNATURE: sign(URL)})
    assert refusal(forged) == "403 signature_wrong"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("[]", "json"),
        ("null", "json"),
        ("{", "json"),
        ("", "json"),
        ("[" * 100_000, "json"),
        ('{"a": ' + "9" * 5000 + "}", "json"),
        (r'{"Body": "\ud800"}', "invalid_utf8"),
        (r'{"\udfff": 1}', "invalid_utf8"),
        (r'{"Media": ["\ud800"]}', "invalid_utf8"),
        (json.dumps(dict.fromkeys(map(str, range(1001)), 0)), "too_many_parameters"),
    ],
)
def test_json_that_is_not_an_object_of_valid_text_is_unreadable(body: str, reason: str) -> None:
    assert refusal(signed_json(body)) == f"400 {reason}"


def test_the_signature_of_a_json_request_is_refused_for_a_form() -> None:
    request = signed_json(JSON_BODY)
    form = replace(request, headers={**request.headers, "content-type": FORM})
    assert refusal(replace(form, body=BODY.encode())) == "403 signature_wrong"


def test_the_signature_of_a_get_request_is_refused_for_a_post_request() -> None:
    request = replace(signed_get(BODY), method="POST")
    assert (
        refusal(
            replace(
                request,
                body=BODY.encode(),
                headers={
                    **request.headers,
                    "content-type": FORM,
                },
            )
        )
        == "403 signature_wrong"
    )
