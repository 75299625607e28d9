"""An app gets what Twilio sent, byte for byte, with a signature that fits its own URL."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha1, sha256
from urllib.parse import parse_qsl

import pytest
from pytest_django import Settings
from twilio.request_validator import RequestValidator

from mediapipe.gateway.entries import Entry, Retry, Sign
from mediapipe.gateway.original import OriginalRequest
from mediapipe.gateway.send import Verdict, send, verdict
from mediapipe.providers.base import WebhookRequest
from mediapipe.simulator import payloads
from tests.support import make
from tests.support.apps import App, ReceivedRequest, Reply, app
from tests.support.gateway import OUR_URL, original, received

PUBLIC = "https://bot.example/twilio?secret=%2f"


def by_twilios_sdk(got: ReceivedRequest, url: str) -> bool:
    """Check as Twilio's own package does."""
    values = dict(parse_qsl(got.body.decode(), keep_blank_values=True))
    signature = got.headers["x-twilio-signature"]
    return bool(RequestValidator(make.TOKEN).validate(url, values, signature))


def by_hand(got: ReceivedRequest, url: str) -> bool:
    """Check as courier and others do: names sorted, each followed by its value."""
    pairs = sorted(parse_qsl(got.body.decode(), keep_blank_values=True))
    text = url + "".join(name + value for name, value in pairs)
    digest = hmac.new(make.TOKEN.encode(), text.encode(), sha1).digest()
    return b64encode(digest).decode() == got.headers["x-twilio-signature"]


def by_django(got: ReceivedRequest, _: str) -> bool:
    """Check as a Django view does, with the URL that Django builds from Host and X-Forwarded-*."""
    request = got.django_request()
    signature = request.headers["X-Twilio-Signature"]
    validator = RequestValidator(make.TOKEN)
    return bool(validator.validate(request.build_absolute_uri(), request.POST, signature))


VALIDATORS = [by_twilios_sdk, by_hand, by_django]
Check = Callable[[ReceivedRequest, str], bool]


def entry(of: App, **changes: object) -> Entry:
    return replace(Entry("bot", of.url), **changes)  # type: ignore[arg-type]


def behind_proxy(of: App, url: str = PUBLIC) -> Entry:
    """Return an app with a public URL that we reach at its own address."""
    return Entry("bot", url, connect=of.origin)


@pytest.mark.parametrize("check", VALIDATORS)
def test_the_signature_is_valid_for_the_url_of_the_app(check: Check, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    with app() as bot:
        assert send(original(), entry(bot)).status == 200
    assert check(bot.requests[0], bot.url)


@pytest.mark.parametrize("check", VALIDATORS)
def test_the_signature_is_valid_for_the_public_url_when_connecting_elsewhere(
    check: Check, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["bot.example"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    with app() as bot:
        assert send(original(), behind_proxy(bot)).status == 200
    assert check(bot.requests[0], PUBLIC)
    assert (
        bot.requests[0].headers["host"]
        == bot.requests[0].headers["x-forwarded-host"]
        == "bot.example"
    )


@pytest.mark.parametrize("check", VALIDATORS)
def test_the_signature_of_a_get_request_is_valid(check: Check, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    sent = original(method="GET")
    with app() as bot:
        assert send(sent, entry(bot)).status == 200
    got = bot.requests[0]
    assert (got.method, got.target, got.body) == ("GET", f"/twilio?{sent.query}", b"")
    # For a GET the signature covers the URL alone.
    assert check(replace(got, body=b""), f"{bot.url}?{sent.query}")


@pytest.mark.parametrize(
    "url",
    [
        "https://bot.example:8443/a?b=c",
        "https://bot.example",
        "https://bot.example/a%2fb?x=%c3%a9&y",
        "http://BOT.example/",
    ],
)
def test_the_signature_is_valid_for_every_form_of_url(url: str) -> None:
    with app() as bot:
        assert send(original(), behind_proxy(bot, url)).status == 200
    requested_url = url if url.count("/") > 2 else f"{url}/"
    assert by_hand(bot.requests[0], requested_url)
    assert requested_url.endswith(bot.requests[0].headers["host"] + bot.requests[0].target)


def test_the_body_arrives_byte_for_byte() -> None:
    webhook = payloads.mms(1, account_sid=make.ACCOUNT).changed(Body="a+b c é 🙂\n", Empty="")
    sent = original(webhook)
    odd = sent.body.replace(b"%C3%A9", b"%c3%a9")
    assert odd != sent.body
    with app() as bot:
        assert send(replace(sent, body=odd), entry(bot)).status == 200
    assert bot.requests[0].body == odd


def test_twilios_headers_are_forwarded_but_proxy_headers_are_not() -> None:
    sent = original(cookie="SESSION_ID=1; b=2", x_forwarded_for="6.6.6.6")
    with app() as bot:
        send(sent, entry(bot))
    headers = bot.requests[0].headers
    for name, value in sent.headers:
        assert name == "x-twilio-signature" or headers[name] == value
    assert headers["cookie"] == "SESSION_ID=1; b=2"
    assert "x-forwarded-for" not in headers
    assert headers["x-mediapipe-hops"] == "1"


def test_the_query_of_a_json_webhook_is_appended_to_the_apps_own_query() -> None:
    webhook = b'{"AccountSid": "%s"}' % make.ACCOUNT.encode()
    url = f"{OUR_URL}?bodySHA256={sha256(webhook).hexdigest()}"
    signature = RequestValidator(make.TOKEN).compute_signature(url, {})
    headers = {"content-type": "application/json", "x-twilio-signature": signature}
    sent = OriginalRequest.of(WebhookRequest("POST", url, headers, webhook))
    with app() as bot:
        assert send(sent, behind_proxy(bot)).status == 200
    got = bot.requests[0]
    assert got.body == webhook
    validator = RequestValidator(make.TOKEN)
    whole = f"{PUBLIC}&{sent.query}"
    assert got.target == whole.removeprefix("https://bot.example")
    assert validator.validate(whole, got.body.decode(), got.headers["x-twilio-signature"])


def test_credentials_in_the_url_are_sent_as_an_authorization_header() -> None:
    with app() as bot:
        url = bot.url.replace("//", "//me:p%40ss@")
        assert send(original(), Entry("bot", url)).status == 200
    assert b64decode(bot.requests[0].headers["authorization"].split()[1]) == b"me:p@ss"
    assert by_hand(bot.requests[0], bot.url)


def test_sign_keep_forwards_twilios_original_signature() -> None:
    with app() as bot:
        send(original(), entry(bot, sign=Sign.KEEP))
    assert by_hand(bot.requests[0], OUR_URL)


def test_a_request_is_signed_with_the_token_that_verified_the_webhook(settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKEN = f"another,{make.TOKEN}"
    with app() as bot:
        send(original(), entry(bot))
    assert by_hand(bot.requests[0], bot.url)


@pytest.mark.parametrize("sign", list(Sign))
def test_a_request_that_twilio_did_not_sign_is_not_sent(sign: Sign) -> None:
    request = received()
    forged = OriginalRequest.of(replace(request, body=request.body + b"&Body=more"))
    with app() as bot:
        sent = send(forged, entry(bot, sign=sign))
    assert bot.requests == []
    assert (sent.status, sent.certain) == (None, True)
    assert "its own signature no longer verifies" in sent.detail


def test_the_response_is_returned_with_its_status_body_type_and_cookies() -> None:
    headers = (
        ("Content-Type", "text/xml; charset=utf-8"),
        ("Set-Cookie", "a=1; Path=/"),
        ("Set-Cookie", "b=2"),
    )
    with app(Reply(201, b"<Response>\xc3\xa9</Response>", headers)) as bot:
        sent = send(original(), entry(bot))
    assert (sent.status, sent.body) == (201, b"<Response>\xc3\xa9</Response>")
    assert sent.content_type == "text/xml; charset=utf-8"
    assert sent.cookies == ("a=1; Path=/", "b=2")
    assert sent.connect_s is not None
    assert 0 <= sent.connect_s <= sent.total_s
    assert sent.detail == ""


@pytest.mark.parametrize(
    ("status", "sure", "all_"),
    [
        (200, "delivered", "delivered"),
        (204, "delivered", "delivered"),
        (302, "refused", "refused"),
        (403, "refused", "refused"),
        (404, "refused", "refused"),
        (408, "again", "again"),
        (425, "again", "again"),
        (429, "again", "again"),
        (500, "unknown", "again"),
        (501, "unknown", "again"),
        (502, "again", "again"),
        (503, "again", "again"),
        (504, "again", "again"),
        (508, "refused", "refused"),
    ],
)
def test_the_status_determines_whether_a_request_is_retried(
    status: int, sure: str, all_: str
) -> None:
    with app(Reply(status, b"")) as bot:
        sent = send(original(), entry(bot))
    assert verdict(sent, Retry.SURE) == Verdict(sure)
    assert verdict(sent, Retry.ALL) == Verdict(all_)


def test_retry_after_is_read_from_the_response() -> None:
    with app(Reply(429, b"", (("Retry-After", "7"),))) as bot:
        assert send(original(), entry(bot)).retry_after_s == 7
