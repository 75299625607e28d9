"""Which parameters a signature covers, and which account it proves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, quote

import pytest
from pytest_django import Settings

from mediapipe import providers
from mediapipe.providers.base import WebhookRequest
from mediapipe.providers.refusals import WebhookUnreadable
from mediapipe.providers.twilio.signature import verify
from tests.support.payloads import twilio
from tests.support.payloads.provider import refusal
from tests.support.payloads.signing import (
    URL,
    post,
    sign,
    signed_form,
)

BODY = twilio.MMS_ONE_PICTURE

PAIRS = tuple(parse_qsl(BODY, keep_blank_values=True))


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


def test_a_parameter_repeated_with_the_same_value_is_accepted() -> None:
    assert verify(altered(BODY + "&Body=Test+mms")) == (*PAIRS, ("Body", "Test mms"))


def test_spaces_around_a_value_are_covered_by_the_signature() -> None:
    signed = signed_form(BODY.replace("Body=Test+mms", "Body=+Test+mms+"))
    assert ("Body", " Test mms ") in verify(signed)
    assert refusal(replace(signed, body=BODY.encode())) == "403 signature_wrong"


def test_the_parser_refuses_characters_shifted_between_names_and_values() -> None:
    # The signed text has no separators between names and values, so both bodies have one signature.
    shifted = BODY.replace("&NumMedia=1", "").replace(
        f"&MessageSid={twilio.MMS_SID}", f"&MessageSid={twilio.MMS_SID}NumMedia1"
    )
    parameters = verify(altered(shifted))
    with pytest.raises(WebhookUnreadable, match="message_sid"):
        providers.get("twilio").parse("messaging", parameters)


def test_a_nul_is_verified_and_returned_as_received() -> None:
    assert ("Body\0", "a\0b") in verify(signed_form(BODY + "&Body%00=a%00b"))


# The account.


def test_the_old_and_the_new_token_are_accepted_while_both_are_configured(
    settings: Settings,
) -> None:
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
def test_a_request_without_one_known_account_sid_is_refused(account: str, reason: str) -> None:
    body = BODY.replace(f"AccountSid={twilio.ACCOUNT_SID}", account)
    assert refusal(signed_form(body)) == f"403 {reason}"


def test_a_request_for_an_account_without_a_token_is_refused(settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKEN = ""
    assert refusal(signed_form(BODY, token="")) == "403 token_missing"


def test_a_signature_made_with_an_api_key_secret_is_refused(settings: Settings) -> None:
    settings.TWILIO_API_KEY, settings.TWILIO_API_SECRET = "SK1", "secret"
    assert refusal(signed_form(BODY, token="secret")) == "403 signature_wrong"
