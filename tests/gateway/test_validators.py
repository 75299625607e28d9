"""The signature passes the validators that apps use, unmodified, whatever Twilio sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial

import pytest
from pytest_django import Settings

from mediapipe.gateway.entries import Entry
from mediapipe.gateway.send import send
from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.webhooks import Method
from tests.support import make
from tests.support.gateway import original
from tests.support.validators import by_django, by_hand, by_twilio, node_app, python_app

VALIDATORS: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "twilio for Python": partial(python_app, by_twilio),
    "twilio for Node": node_app,
    "django-twilio": partial(python_app, by_django),
    "by hand": partial(python_app, by_hand),
}
URLS = [
    "https://bot.example/twilio",
    "https://bot.example",
    "https://bot.example:8443/a/b?channel=1&secret=%2f%20+",
    "http://bot.example:3000/%C3%A4?x=",
]
SMS = payloads.sms(account_sid=make.ACCOUNT)
TWICE = replace(SMS, parameters=(*SMS.parameters, ("Tag", "b"), ("Tag", "a"), ("Tag", "b")))
WEBHOOKS = {
    "pictures": payloads.mms(3, account_sid=make.ACCOUNT),
    "blank values": SMS.changed(Body="", Blank="", ZERO="0"),
    "Cyrillic and emoji": SMS.changed(Body="Привет, ёж 👩‍👩‍👧 é\r\n", ProfileName="Ольга"),
    "special characters": SMS.changed(Body="1 + 1 = 2 & 100 %20 ; a+b", Semi="a;b=c"),
    "repeated parameter": TWICE,
}


@pytest.fixture(scope="module", params=VALIDATORS)
def validator(request: pytest.FixtureRequest) -> Iterator[str]:
    with VALIDATORS[request.param]() as origin:
        yield origin


@pytest.fixture(autouse=True)
def behind_a_proxy(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["bot.example"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("webhook", WEBHOOKS.values(), ids=WEBHOOKS)
def test_validators_accept_the_signature_of_a_forwarded_webhook(
    validator: str, webhook: Webhook, method: Method, url: str
) -> None:
    sent = send(original(webhook, method=method), Entry("bot", url, connect=validator))
    assert sent.status == 200


def test_validators_accept_spaces_encoded_as_percent_20(validator: str) -> None:
    plus = original(WEBHOOKS["special characters"])
    assert b"+" in plus.body
    percent = replace(plus, body=plus.body.replace(b"+", b"%20"))
    assert send(percent, Entry("bot", URLS[0], connect=validator)).status == 200


def test_validators_refuse_a_signature_for_another_url(validator: str) -> None:
    """Otherwise it might accept anything."""
    entry = Entry("bot", URLS[0], connect=validator)
    kept = replace(entry, sign="keep")  # type: ignore[arg-type]
    assert send(original(), kept).status == 403
