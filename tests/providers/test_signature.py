import json
from dataclasses import replace
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from mediapipe import providers
from mediapipe.providers.base import WebhookRequest
from mediapipe.providers.refusals import WebhookForged, WebhookUnreadable
from mediapipe.providers.twilio.signature import body_matches, signature_matches, verify
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


def test_a_signed_form_is_returned_as_received() -> None:
    assert providers.get("twilio").verify(signed_form(BODY)) == PAIRS


@pytest.mark.parametrize("body", (twilio.MESSAGES | twilio.RECORDINGS).values())
def test_every_captured_body_is_verified(body: str) -> None:
    assert verify(signed_form(body)) == tuple(parse_qsl(body, keep_blank_values=True))


@pytest.mark.parametrize("port", ["", ":8443"])
def test_a_url_that_was_signed_as_requested_needs_only_one_signature_computation(
    monkeypatch: pytest.MonkeyPatch, port: str
) -> None:
    signed_urls: list[str] = []
    compute = RequestValidator.compute_signature

    def counted(self: RequestValidator, uri: str, params: object) -> object:
        signed_urls.append(uri)
        return compute(self, uri, params)

    monkeypatch.setattr(RequestValidator, "compute_signature", counted)
    url = f"https://media.example.com{port}/webhooks/twilio/messaging/"
    assert verify(signed_form(BODY, url=url)) == PAIRS
    assert signed_urls == [url]


def test_the_parameters_of_a_signed_get_request_are_read_from_its_url() -> None:
    assert verify(signed_get(BODY)) == PAIRS


def test_the_parameters_of_a_post_request_are_read_only_from_its_body() -> None:
    url = URL + "?AccountSid=AC0&tenant=7"
    assert verify(signed_form(BODY, url=url)) == PAIRS


def test_a_signed_json_object_is_returned_as_pairs_of_text() -> None:
    body = json.dumps({"AccountSid": twilio.ACCOUNT_SID, "NumMedia": 1, "Media": [{"é": None}]})
    assert verify(signed_json(body)) == (
        ("AccountSid", twilio.ACCOUNT_SID),
        ("NumMedia", "1"),
        ("Media", '[{"é": null}]'),
    )


# Vectors of twilio-python, twilio-node and Twilio's documents; the token is 12345.

VECTOR_URL = "mycompany.com/myapp.php?foo=1&bar=2"
CALL = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
]
DOCUMENTED_CALL = [(n, v.replace("+14158675309", "+14158675310")) for n, v in CALL]
REPEATED = [("Sid", "CA123"), ("SidAccount", "AC123"), *(("Digits", d) for d in ("5678", "1234"))]
REPEATED += [("Digits", "1234")]
ADDRESSES = [("MessagingBinding.Address", to) for to in ("+1325xxxxxxx", "+1415xxxxxxx")]


@pytest.mark.parametrize(
    ("url", "params", "signature"),
    [
        (f"https://{VECTOR_URL}", CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://mycompany.com:443/myapp.php?foo=1&bar=2", CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("http://mycompany.com:80/myapp.php?foo=1&bar=2", CALL, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        ("http://mycompany.com:1234/myapp.php?foo=1&bar=2", CALL, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        (f"https://user:pass@{VECTOR_URL}", CALL, "CukzLTc1tT5dXEDIHm/tKBanW10="),
        (f"https://user:pass@{VECTOR_URL}", CALL, "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI="),
        (f"https://user@{VECTOR_URL}", CALL, "2YRLlVAflCqxaNicjMpJcSTgzSs="),
        (f"https://user:pass@{VECTOR_URL}", CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (f"https://{VECTOR_URL}", CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (f"https://{VECTOR_URL}", REPEATED, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        (f"https://{VECTOR_URL}", ADDRESSES, "83O6e2vORAoJHUNzJjDWN1jz+BA="),
        (f"https://{VECTOR_URL}", ADDRESSES[::-1], "83O6e2vORAoJHUNzJjDWN1jz+BA="),
        (
            "https://example.com/myapp.php?foo=1&bar=2",
            DOCUMENTED_CALL,
            "L/OH5YylLD5NRKLltdqwSvS0BnU=",
        ),
    ],
)
def test_a_published_signature_matches(
    url: str, params: list[tuple[str, str]], signature: str
) -> None:
    assert signature_matches(url, params, signature, ["12345"])
    assert not signature_matches(url, params, signature, ["12346"])
    assert not signature_matches(url, [*params, ("More", "")], signature, ["12345"])


@pytest.mark.parametrize(
    ("query", "body", "signature"),
    [
        (
            "foo=1&bar=2&bodySHA256="
            "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620",
            b'{"property": "value", "boolean": true}',
            "a9nBmqA0ju/hNViExpshrM61xv4=",
        ),
        (
            "bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620",
            b'{"property": "value", "boolean": true}',
            "y77kIzt2vzLz71DgmJGsen2scGs=",
        ),
        (
            "foo=1&bar=2&bodySHA256="
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            b"{}",
            "Ldidvp12m26NI7eqEvxnEpkd9Hc=",
        ),
    ],
)
def test_a_published_json_signature_matches(query: str, body: bytes, signature: str) -> None:
    url = f"https://mycompany.com/myapp.php?{query}"
    assert signature_matches(url, [], signature, ["12345"])
    assert body_matches(url, body)
    assert not body_matches(url, body + b" ")


# What Twilio, proxies and web servers do to a URL without changing what it means.


@pytest.mark.parametrize(
    ("signed", "sent_to"),
    [
        (URL, URL + "#rc=3&rp=ct,rt,5xx"),
        (URL + "?", URL),
        (URL + "?", URL + "?"),
        ("https://[2001:db8::1]/in", "https://[2001:db8::1]:443/in"),
        ("https://[2001:db8::1]:8443/in", "https://[2001:db8::1]:8443/in"),
        ("https://[2001:db8::1]/in", "https://u:p@[2001:db8::1]:443/in"),
        ("https://h.example/in", "https://h.example:8443/in"),
        ("https://h.example:8443/in", "https://user:pass@h.example:8443/in"),
        ("https://h.example:99999/in", "https://h.example:99999/in"),
        ("https://h.example/in?a=%7e&b=+", "https://h.example/in?a=%7e&b=+"),
        ("https://h.example", "https://h.example"),
        ("https://h.example/in?to=a@b:c/d", "https://h.example/in?to=a@b:c/d"),
    ],
)
def test_an_equivalent_spelling_of_the_signed_url_is_accepted(signed: str, sent_to: str) -> None:
    assert verify(signed_form(BODY, url=signed, sent_to=sent_to)) == PAIRS


@pytest.mark.parametrize(
    ("signed", "sent_to"),
    [
        ("https://h.example/in", "https://other.example/in"),
        ("http://h.example/in", "https://h.example/in"),
        ("https://h.example:9443/in", "https://h.example:8443/in"),
        ("https://h.example/in/", "https://h.example/in"),
        ("https://h.example/in?a=~", "https://h.example/in?a=%7e"),
        ("https://h.example/in?", "https://h.example/in?a=1"),
        ("https://h.example/in#a", "https://h.example/in"),
        ("https://h.example:80/in", "https://h.example/in"),
        ("https://h.example/in", "https://h.example:99999/out"),
        ("https://h.example/in", "https://[::1/in"),
        ("https://h.example/in", "not a url"),
        ("https://h.example/in", ""),
    ],
)
def test_a_request_to_a_url_other_than_the_signed_one_is_refused(signed: str, sent_to: str) -> None:
    assert refusal(signed_form(BODY, url=signed, sent_to=sent_to or " ")) == "403 signature_wrong"


# The header.


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("", "signature_missing"),
        ("RSOYDt4T", "signature_malformed"),
        ("A" * 27 + "=\n", "signature_malformed"),
        ("A" * 28, "signature_malformed"),
        ("é" * 27 + "=", "signature_malformed"),
        ("033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=", "signature_malformed"),
        ("A" * 27 + "=", "signature_wrong"),
    ],
)
def test_a_bad_signature_is_refused_with_its_reason(signature: str, reason: str) -> None:
    assert refusal(post(BODY.encode(), signature=signature)) == f"403 {reason}"


def test_a_request_without_the_signature_header_is_refused() -> None:
    request = replace(signed_form(BODY), headers={"content-type": FORM})
    assert refusal(request) == "403 signature_missing"


def test_two_signature_headers_are_refused() -> None:
    right = sign(URL, list(PAIRS))
    assert refusal(post(BODY.encode(), signature=f"{right},{right}")) == "403 signature_malformed"


@pytest.mark.parametrize(
    "value",
    ["key=webhooks_sharedkey_1,algorithm=HMAC_SHA256", "algorithm=none", "algorithm=MD5", ""],
)
def test_a_key_or_algorithm_chosen_by_the_request_is_refused(value: str) -> None:
    request = signed_form(BODY, x_twilio_webhooks_signature_settings=value)
    assert refusal(request) == "403 signature_settings"


def test_a_different_idempotency_token_does_not_affect_verification() -> None:
    assert verify(signed_form(BODY, i_twilio_idempotency_token="another")) == PAIRS


@given(st.binary(), st.text(), st.sampled_from(["GET", "POST"]), st.sampled_from(["json", "form"]))
def test_no_unsigned_request_is_accepted_or_causes_a_crash(
    body: bytes, url: str, method: str, kind: str
) -> None:
    content_type = "application/json" if kind == "json" else FORM
    headers = {"content-type": content_type, SIGNATURE: sign(URL)}
    with pytest.raises((WebhookForged, WebhookUnreadable)):
        verify(WebhookRequest(method, url, headers, body))


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=20))
def test_all_signed_parameters_are_returned_exactly(pairs: list[tuple[str, str]]) -> None:
    pairs = [("AccountSid", twilio.ACCOUNT_SID), *(p for p in pairs if p[0] != "AccountSid")]
    body = "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)
    assert verify(post(body.encode(), signature=sign(URL, pairs))) == tuple(pairs)
