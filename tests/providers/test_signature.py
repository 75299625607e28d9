import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings
from twilio.request_validator import RequestValidator

from mediapipe import providers
from mediapipe.providers.base import (
    WebhookForged,
    WebhookRefused,
    WebhookRequest,
    WebhookUnreadable,
)
from mediapipe.providers.twilio.signature import body_matches, signature_matches, verify
from tests.support.make import TOKEN
from tests.support.payloads import twilio
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


def refusal(request: WebhookRequest) -> str:
    with pytest.raises(WebhookRefused) as caught:
        verify(request)
    assert TOKEN not in str(caught.value)
    return f"{caught.value.status} {caught.value.reason}"


def test_a_signed_form_is_returned_as_received() -> None:
    assert providers.get("twilio").verify(signed_form(BODY)) == PAIRS


@pytest.mark.parametrize("body", (twilio.MESSAGES | twilio.RECORDINGS).values())
def test_every_captured_body_passes(body: str) -> None:
    assert verify(signed_form(body)) == tuple(parse_qsl(body, keep_blank_values=True))


@pytest.mark.parametrize("port", ["", ":8443"])
def test_the_address_as_it_was_asked_for_costs_one_signature(
    monkeypatch: pytest.MonkeyPatch, port: str
) -> None:
    asked: list[str] = []
    compute = RequestValidator.compute_signature

    def counted(self: RequestValidator, uri: str, params: object) -> object:
        asked.append(uri)
        return compute(self, uri, params)

    monkeypatch.setattr(RequestValidator, "compute_signature", counted)
    url = f"https://media.example.com{port}/webhooks/twilio/messaging/"
    assert verify(signed_form(BODY, url=url)) == PAIRS
    assert asked == [url]


def test_the_parameters_of_a_get_are_signed_with_the_url() -> None:
    assert verify(signed_get(BODY)) == PAIRS


def test_the_parameters_of_a_post_are_those_of_its_body_alone() -> None:
    url = URL + "?AccountSid=AC0&tenant=7"
    assert verify(signed_form(BODY, url=url)) == PAIRS


def test_a_signed_json_object_is_returned_flat() -> None:
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
def test_the_same_address_written_otherwise_passes(signed: str, sent_to: str) -> None:
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
def test_another_address_is_refused(signed: str, sent_to: str) -> None:
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


def test_a_request_without_the_header_is_refused() -> None:
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


def test_another_idempotency_token_changes_nothing() -> None:
    assert verify(signed_form(BODY, i_twilio_idempotency_token="another")) == PAIRS


# The parameters.


def altered(body: str) -> WebhookRequest:
    return post(body.encode(), signature=sign(URL, list(PAIRS)))


@pytest.mark.parametrize("name", [name for name, _ in PAIRS if name != "AccountSid"])
def test_a_changed_or_removed_parameter_is_refused(name: str) -> None:
    others = [f"{n}={quote(v)}" for n, v in PAIRS if n != name]
    assert refusal(altered("&".join(others))) == "403 signature_wrong"
    assert refusal(altered("&".join([*others, f"{name}=changed"]))) == "403 signature_wrong"


@pytest.mark.parametrize("more", ["&New=1", "&MediaUrl1=https://evil.example/", "&Body=other"])
def test_an_added_parameter_is_refused(more: str) -> None:
    assert refusal(altered(BODY + more)) == "403 signature_wrong"


def test_the_order_of_the_parameters_does_not_matter() -> None:
    assert verify(altered("&".join(reversed(BODY.split("&"))))) == PAIRS[::-1]


def test_the_same_parameter_twice_passes() -> None:
    assert verify(altered(BODY + "&Body=Test+mms")) == (*PAIRS, ("Body", "Test mms"))


def test_blanks_around_a_value_are_part_of_it() -> None:
    signed = signed_form(BODY.replace("Body=Test+mms", "Body=+Test+mms+"))
    assert ("Body", " Test mms ") in verify(signed)
    assert refusal(replace(signed, body=BODY.encode())) == "403 signature_wrong"


def test_characters_shifted_between_names_and_values_are_caught_by_the_parser() -> None:
    # The signature covers names and values without separators, so that both bodies have the same.
    shifted = BODY.replace("&NumMedia=1", "").replace(
        f"&MessageSid={twilio.MMS_SID}", f"&MessageSid={twilio.MMS_SID}NumMedia1"
    )
    parameters = verify(altered(shifted))
    with pytest.raises(WebhookUnreadable, match="message_sid"):
        providers.get("twilio").parse("messaging", parameters)


def test_a_nul_is_verified_and_returned_as_received() -> None:
    assert ("Body\0", "a\0b") in verify(signed_form(BODY + "&Body%00=a%00b"))


# The account.


def test_the_old_and_the_new_token_pass_while_both_are_listed(settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKEN = "old, new"
    assert verify(signed_form(BODY, token="old")) == PAIRS
    assert verify(signed_form(BODY, token="new")) == PAIRS
    settings.TWILIO_AUTH_TOKEN = "new"
    assert refusal(signed_form(BODY, token="old")) == "403 signature_wrong"


def test_the_token_of_another_account_is_refused(settings: Settings, tmp_path: Path) -> None:
    other = "AC" + "f" * 32
    accounts = [{"account_sid": other, "auth_tokens": ["theirs"]}]
    settings.TWILIO_ACCOUNTS_FILE = str(tmp_path / "accounts.json")
    (tmp_path / "accounts.json").write_text(json.dumps(accounts))
    assert refusal(signed_form(BODY, token="theirs")) == "403 signature_wrong"
    theirs = BODY.replace(twilio.ACCOUNT_SID, other)
    assert ("AccountSid", other) in verify(signed_form(theirs, token="theirs"))


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        ("AccountSid=AC" + "f" * 32, "account_unknown"),
        ("AccountSid=" + twilio.ACCOUNT_SID.upper(), "account_unknown"),
        ("AccountSid=" + twilio.ACCOUNT_SID + "%0A", "account_sid"),
        ("AccountSid=" + twilio.ACCOUNT_SID + "0", "account_sid"),
        ("AccountSid=", "account_sid"),
        ("Account=1", "account_sid"),
        (f"AccountSid={twilio.ACCOUNT_SID}&AccountSid=AC{'f' * 32}", "account_sid"),
    ],
)
def test_a_request_of_nobody_is_refused(account: str, reason: str) -> None:
    body = BODY.replace(f"AccountSid={twilio.ACCOUNT_SID}", account)
    assert refusal(signed_form(body)) == f"403 {reason}"


def test_an_account_without_a_token_can_prove_nothing(settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKEN = ""
    assert refusal(signed_form(BODY, token="")) == "403 token_missing"


def test_the_secret_of_an_api_key_signs_nothing(settings: Settings) -> None:
    settings.TWILIO_API_KEY, settings.TWILIO_API_SECRET = "SK1", "secret"
    assert refusal(signed_form(BODY, token="secret")) == "403 signature_wrong"


# Bodies that cannot be read, and JSON.


@pytest.mark.parametrize("body", [b"Body=\xff", b"Body=%ff", b"%ff=1", b"Body=%ed%a0%80"])
def test_a_form_that_is_not_utf8_is_unreadable(body: bytes) -> None:
    assert refusal(post(body, signature="")) == "400 invalid_utf8"


def test_a_query_that_is_not_utf8_is_unreadable() -> None:
    assert refusal(signed_get("Body=%ff")) == "400 invalid_utf8"


def test_a_url_that_cannot_be_encoded_is_unreadable() -> None:
    assert refusal(post(BODY.encode(), url="https://h\udc80/", signature="")) == "400 invalid_utf8"


def test_a_thousand_parameters_are_read_and_no_more() -> None:
    body = BODY + "&a=" * (1000 - len(PAIRS))
    assert len(verify(signed_form(body))) == 1000
    assert refusal(signed_form(body + "&a=")) == "400 too_many_parameters"
    assert refusal(signed_get(body + "&a=")) == "400 too_many_parameters"


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "text/plain", ""])
def test_another_type_of_body_is_unreadable(content_type: str) -> None:
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


def test_json_with_another_hash_is_refused() -> None:
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
def test_json_that_is_no_flat_object_of_text_is_unreadable(body: str, reason: str) -> None:
    assert refusal(signed_json(body)) == f"400 {reason}"


def test_the_url_signature_of_a_json_request_signs_no_form() -> None:
    request = signed_json(JSON_BODY)
    form = replace(request, headers={**request.headers, "content-type": FORM})
    assert refusal(replace(form, body=BODY.encode())) == "403 signature_wrong"


def test_the_signature_of_a_get_signs_no_post() -> None:
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


@given(st.binary(), st.text(), st.sampled_from(["GET", "POST"]), st.sampled_from(["json", "form"]))
def test_nothing_unsigned_passes_or_crashes(body: bytes, url: str, method: str, kind: str) -> None:
    content_type = "application/json" if kind == "json" else FORM
    headers = {"content-type": content_type, SIGNATURE: sign(URL)}
    with pytest.raises((WebhookForged, WebhookUnreadable)):
        verify(WebhookRequest(method, url, headers, body))


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=20))
def test_whatever_twilio_signs_is_returned_exactly(pairs: list[tuple[str, str]]) -> None:
    pairs = [("AccountSid", twilio.ACCOUNT_SID), *(p for p in pairs if p[0] != "AccountSid")]
    body = "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)
    assert verify(post(body.encode(), signature=sign(URL, pairs))) == tuple(pairs)
