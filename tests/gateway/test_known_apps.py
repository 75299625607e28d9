"""Apps behind the gateway that behave as the source code of real ones does."""

from __future__ import annotations

import hmac
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha1
from pathlib import Path
from urllib.parse import parse_qsl, urljoin

import pytest
from django.core.exceptions import DisallowedHost
from django.test import Client
from pytest_django import Settings
from twilio.request_validator import RequestValidator

from mediapipe.gateway.entries import Entry
from mediapipe.gateway.send import send
from mediapipe.models import GatewayDelivery
from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.webhooks import sign
from tests.support import make
from tests.support.apps import ReceivedRequest, Reply, app
from tests.support.gateway import configure, original, wait_for_delivery
from tests.support.webhooks import ORIGIN
from tests.support.webhooks import send as send_webhook

LONG_S = 30.0
PUBLIC = "https://bot.example/c/t/receive?channel=1"
# A blank value, characters that need escapes, and one outside the Basic Multilingual Plane.
ODD = payloads.sms(account_sid=make.ACCOUNT).changed(Body="a+b c/ä 🙂\r\n", Blank="", ZERO="0")
Accepts = Callable[[ReceivedRequest], bool]


def signed(url: str, pairs: list[tuple[str, str]], got: ReceivedRequest) -> bool:
    text = url + "".join(name + value for name, value in sorted(pairs))
    digest = hmac.new(make.TOKEN.encode(), text.encode(), sha1).digest()
    return b64encode(digest).decode() == got.headers["x-twilio-signature"]


def courier(got: ReceivedRequest) -> bool:
    """Check with https, Host and the target of the request, as nyaruka/courier does."""
    url = f"https://{got.headers['host']}{got.target}"
    return signed(url, parse_qsl(got.body.decode(), keep_blank_values=True), got)


def openclaw(got: ReceivedRequest) -> bool:
    """Check with the configured URL, and accept no more than 32 KiB."""
    pairs = parse_qsl(got.body.decode(), keep_blank_values=True)
    return len(got.body) <= 32 * 1024 and signed(PUBLIC, pairs, got)


def fs_pbx(got: ReceivedRequest) -> bool:
    """Check with the raw body, split as Laravel's middleware does, and the proxy's URL."""
    host, scheme = got.headers["x-forwarded-host"], got.headers["x-forwarded-proto"]
    pairs = parse_qsl(got.body.decode(), keep_blank_values=True)
    return signed(f"{scheme}://{host}{got.target}", pairs, got)


def twilios_sdk(got: ReceivedRequest) -> bool:
    values = dict(parse_qsl(got.body.decode(), keep_blank_values=True))
    signature = got.headers["x-twilio-signature"]
    return bool(RequestValidator(make.TOKEN).validate(PUBLIC, values, signature))


def open_chat_studio(got: ReceivedRequest) -> bool:
    """Let Django build the URL; SECURE_PROXY_SSL_HEADER is set, USE_X_FORWARDED_HOST is not."""
    request = got.django_request()
    try:
        url = request.build_absolute_uri()
    except DisallowedHost:
        return False
    signature = request.headers["X-Twilio-Signature"]
    return bool(RequestValidator(make.TOKEN).validate(url, request.POST, signature))


@pytest.mark.parametrize("accepts", [courier, openclaw, fs_pbx, twilios_sdk, open_chat_studio])
@pytest.mark.parametrize(
    "webhook", [ODD, payloads.mms(10, account_sid=make.ACCOUNT)], ids=["text", "pictures"]
)
def test_the_signature_is_accepted_by_the_unchanged_code_of_known_apps(
    settings: Settings, accepts: Accepts, webhook: Webhook
) -> None:
    settings.ALLOWED_HOSTS = ["bot.example"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    with app() as bot:
        assert send(original(webhook), Entry("bot", PUBLIC, connect=bot.origin)).status == 200
    assert accepts(bot.requests[0])


def test_an_app_at_a_different_host_than_its_entry_refuses_the_request(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["chat.example"]
    with app(lambda got: Reply(200 if open_chat_studio(got) else 400)) as bot:
        sent = send(original(), Entry("bot", PUBLIC, connect=bot.origin))
    assert (sent.status, sent.detail) == (400, "The app responded with 400.")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("published", "flights")
def test_a_bot_that_responds_only_after_its_turn_gets_the_message_once(
    settings: Settings, tmp_path: Path
) -> None:
    """As rasa and botkit do: a 204 after twenty seconds."""
    settings.GATEWAY_BUDGET_S = 0.5
    turn_ends, webhook = threading.Event(), payloads.sms(account_sid=make.ACCOUNT)
    with app(Reply(204, b"", (), wait=lambda: turn_ends.wait(LONG_S))) as bot:
        configure(settings, tmp_path, {"url": bot.url})
        assert send_webhook(webhook).content == b"<Response/>"
        # Twilio repeats the webhook during the turn.
        assert send_webhook(webhook).content == b"<Response/>"
        turn_ends.set()
        delivered = GatewayDelivery.objects.filter(status="delivered", answer="not_needed")
        wait_until(delivered.exists)
    assert len(bot.requests) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("published", "flights")
def test_a_session_cookie_is_returned_with_the_next_message(
    settings: Settings, tmp_path: Path
) -> None:
    """As in Twilio's template for AI assistants, which keeps its session there."""
    headers = (
        ("Content-Type", "text/xml"),
        ("Set-Cookie", "SESSION_ID=messaging:42; Domain=bot.example; Path=/; Secure"),
        ("Set-Cookie", "bad=\x01"),
    )
    with app(Reply(headers=headers)) as bot:
        configure(settings, tmp_path, {"url": bot.url})
        (cookie,) = send_webhook(payloads.sms(account_sid=make.ACCOUNT)).cookies.values()
        pair, path, *rest = cookie.OutputString().split("; ")
        assert (path, rest) == ("Path=/webhooks/twilio/messaging/", ["Secure"])
        following = sign(payloads.sms(account_sid=make.ACCOUNT), ORIGIN + path[5:], make.TOKEN)
        more = {k: v for k, v in following.headers.items() if k != "Content-Type"}
        kind = following.headers["Content-Type"]
        Client().post(path[5:], following.body, kind, headers=more | {"Cookie": pair})
    assert bot.requests[1].headers["cookie"] == "SESSION_ID=messaging:42"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("published", "flights")
def test_relative_urls_from_an_app_are_resolved_against_its_own_host(
    settings: Settings, tmp_path: Path
) -> None:
    """As yap's are: relative to our URL they would lead nowhere."""
    twiml = '<Response><Redirect method="GET">{}</Redirect></Response>'
    with app(Reply(body=twiml.format("input-method.php?Digits=1").encode())) as bot:
        configure(settings, tmp_path, {"url": bot.url})
        answer = send_webhook(payloads.sms(account_sid=make.ACCOUNT)).content.decode()
        assert answer == twiml.format(urljoin(bot.url, "input-method.php?Digits=1"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("published", "flights")
def test_twilio_gets_an_empty_response_if_the_app_refuses_the_signed_url(
    settings: Settings, tmp_path: Path
) -> None:
    """As vercel/chat does: 401 unless the signature is that of its webhookUrl."""
    with app(lambda got: Reply(200 if twilios_sdk(got) else 401, b"Unauthorized")) as bot:
        configure(settings, tmp_path, {"url": bot.url})
        answer = send_webhook(payloads.sms(account_sid=make.ACCOUNT)).content
    assert answer == b"<Response/>"
    assert wait_for_delivery("refused").http_status == 401


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
