"""What we send is signed as the stock verifier of Standard Webhooks expects it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from mediapipe.settings.signing_keys import check_secret, signed_headers

BODY = '{"name":"Zoë"}'.encode()


def secret(letter: str, length: int = 32) -> str:
    """Return a secret of this many bytes."""
    return "whsec_" + base64.b64encode(letter.encode() * length).decode()


OLD, NEW = secret("o"), secret("n")


def headers(*secrets: str, at: datetime | None = None) -> dict[str, str]:
    return signed_headers(
        BODY, message_id="msg_1", at=at or datetime.now(UTC), secrets=secrets or (NEW,)
    )


def test_the_stock_verifier_accepts_the_signature() -> None:
    assert Webhook(NEW).verify(BODY, headers()) == {"name": "Zoë"}


def test_the_signature_matches_the_example_in_the_specification() -> None:
    signed = signed_headers(
        b'{"test": 2432232314}',
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at=datetime.fromtimestamp(1614265330, UTC),
        secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert signed == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("known", [OLD, NEW])
def test_either_secret_verifies_the_signature_during_a_rotation(known: str) -> None:
    signed = headers(NEW, OLD)
    assert len(signed["webhook-signature"].split()) == 2
    Webhook(known).verify(BODY, signed)


def test_the_signature_does_not_verify_with_another_secret() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(BODY, headers(NEW))


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp"])
def test_the_signature_covers_the_message_id_and_the_timestamp(header: str) -> None:
    now = datetime.now(UTC)
    other = {"webhook-id": "msg_2", "webhook-timestamp": str(int(now.timestamp()) + 60)}
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY, headers(at=now) | {header: other[header]})


def test_a_timestamp_in_another_time_zone_is_signed_correctly() -> None:
    local = datetime.now(timezone(timedelta(hours=2)))
    Webhook(NEW).verify(BODY, headers(at=local))


def test_an_old_message_cannot_be_replayed() -> None:
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(NEW).verify(BODY, headers(at=datetime.now(UTC) - timedelta(minutes=6)))


@pytest.mark.parametrize("length", [24, 64])
def test_a_secret_of_a_length_allowed_by_the_specification_is_accepted(length: int) -> None:
    check_secret(secret("x", length))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (NEW.removeprefix("whsec_"), "begins with"),
        ("whsec_hunter2!", "base64"),
        ("whsec_hunter2", "base64"),
        (secret("x", 23), "24 to 64"),
        (secret("x", 65), "24 to 64"),
    ],
)
def test_an_invalid_secret_is_refused_with_an_error_that_does_not_show_it(
    text: str, why: str
) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        check_secret(text)
    assert text not in str(caught.value)
