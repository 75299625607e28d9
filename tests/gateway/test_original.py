"""What is kept of a webhook to be sent to an app."""

from __future__ import annotations

import json

import pytest

from mediapipe.gateway.original import OriginalRequest
from mediapipe.providers.base import WebhookRequest
from mediapipe.providers.refusals import WebhookForged
from mediapipe.providers.twilio.signature import signature_for, verify
from tests.support import make
from tests.support.gateway import received

THEIRS = "https://bot.example/twilio"


def test_a_stored_request_is_restored_byte_for_byte() -> None:
    request = WebhookRequest("POST", "https://h/p?a=%2f&a=+", {"cookie": "é=1"}, bytes(range(256)))
    original = OriginalRequest.of(request)
    assert OriginalRequest.from_json(json.loads(json.dumps(original.to_json()))) == original
    assert original.as_webhook_request() == request
    assert original.query == "a=%2f&a=+"


def test_the_signature_of_a_stored_request_can_still_be_verified() -> None:
    original = OriginalRequest.of(received())
    assert dict(verify(original.as_webhook_request()))["AccountSid"] == make.ACCOUNT


def test_headers_that_anyone_could_add_are_left_out() -> None:
    request = received(
        x_forwarded_host="h", authorization="Basic x", x_user="admin", cookie="a=1", i_twilio_x="2"
    )
    kept = dict(OriginalRequest.of(request).headers)
    assert not {"x-forwarded-host", "authorization", "x-user"} & kept.keys()
    assert (kept["cookie"], kept["i-twilio-x"]) == ("a=1", "2")
    assert {"content-type", "user-agent", "x-twilio-signature"} <= kept.keys()


def test_a_stored_request_that_was_changed_is_not_signed() -> None:
    stored = OriginalRequest.of(received()).to_json()
    assert signature_for(OriginalRequest.from_json(stored).as_webhook_request(), THEIRS)
    changed = OriginalRequest.from_json(stored | {"body": "QWNjb3VudFNpZD0x"})
    with pytest.raises(WebhookForged):
        signature_for(changed.as_webhook_request(), THEIRS)
