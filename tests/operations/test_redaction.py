"""Phone numbers and other addresses are masked wherever they occur, and nothing else is."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import pytest

from mediapipe.redaction import mask_addresses, mask_parameter, redact, strip_url_secrets
from tests.support.payloads import twilio

# The numbers of every captured webhook end in these; the test server's own prefix is +1 555.
NUMBERS = re.compile(r"1?5550000\d{3}|14155238886")


def test_a_masked_number_keeps_its_length_and_its_last_two_digits() -> None:
    assert mask_addresses("+15550000077") == "+•••••••••77"


@pytest.mark.parametrize(
    "text",
    [
        "whatsapp:+15550000077",
        "call 15550000077 now",
        "(555) 000-0077",
        "555-000-0077",
        "+1 555 000 00 77",
        "+1 555\u2011000\u20110077",
        "\u202a+1 555\u2013000\u20130077\u202c",
        "+1\u00a0555\u00ad000\ufe0f0077",
        "+15550000077abc",
        "user_15550000077",
        '{"data": {"WaId": "15550000077"}}',
        '{"wa": 15550000077}',
        "https://x.example/?to=%2B15550000077",
        r'{"from": "\u002b15550000077"}',
        "+١٥٥٥٠٠٠٠٠٧٧",  # noqa: RUF001  (digits are not only Latin)
        "\u202a+15550000077\u202c",
        "sip:15550000077@sip.example",
        "a\n15550000077\nb",
    ],
)
def test_a_number_is_masked_however_it_is_written(text: str) -> None:
    assert "•••" in mask_addresses(text)
    assert not re.search(r"\d{7}", re.sub(r"[\s().\-]", "", mask_addresses(text)))


@pytest.mark.parametrize(
    "text",
    [
        "ME" + "0123456789abcdef" * 2,
        "MM" + "1" * 32,
        "2026-03-01",
        "2026-03-01T12:00:00.111Z",
        "2026-03-01 12:00:00",
        "/2010-04-01/Accounts",
        "Wed, 20 Apr 2022 23:45:25 +0000",
        "image/jpeg",
        "123456",
        "3 pictures, 2+3=4",
        "It is OK.Thanks, U.S.A. and NO.5",
        "whatsapp: see below, @home",
        "python3.11/site-packages/X.py",
        "",
    ],
)
def test_text_without_a_phone_number_is_unchanged(text: str) -> None:
    assert mask_addresses(text) == text


@pytest.mark.parametrize("name", ["From", "To", "Caller", "Called", "ForwardedFrom", "Author"])
def test_a_short_code_is_masked_only_in_a_phone_number_parameter(name: str) -> None:
    assert mask_parameter(name, "73277") == "•••77"
    assert mask_parameter("NumMedia", "73277") == "73277"


@pytest.mark.parametrize(("name", "value"), [("From", "ACME Ltd."), ("Author", "dave")])
def test_a_name_in_place_of_a_number_is_not_masked(name: str, value: str) -> None:
    assert mask_parameter(name, value) == value


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("whatsapp:BR.AbCd01xyz", "whatsapp:••.•••••••yz"),
        ("US.ENT.11815799", "••.•••.••••••99"),
        ("US.abc", "••.•bc"),
        ("ada@example.com", "•••@•••••••.•om"),
        ("messenger:1234567", "messenger:•••••67"),
        ("rcs:acme_agent", "rcs:••••_•••nt"),
        ("client:alice", "client:•••ce"),
        ("sip:al@example.com:5060", "sip:••@•••••••.•••:••60"),
    ],
)
@pytest.mark.parametrize("name", ["From", "Author", "ExternalUserId", "ParentExternalUserId"])
def test_an_address_other_than_a_phone_number_is_masked(name: str, value: str, masked: str) -> None:
    assert mask_parameter(name, value) == masked


@pytest.mark.parametrize(
    "text",
    [
        "search whatsapp:BR.AbCdEfGh01234xyz",
        "from BR.AbCdEfGh01234xyz, again",
        '{"context": {"user_id": "BR.AbCdEfGh01234xyz"}}',
        "https://x.example/?From=whatsapp%3ABR.AbCdEfGh01234xyz&a=b",
        "https://x.example/?id%3DBR.AbCdEfGh01234xyz",
        "BR.ENT.AbCdEfGh01234xyz",
        "BR.AbCdEfGh01234xyz" + "A1" * 60,
        "whatsapp:BR.Ghab",
        "write to AbCdEfGh+x@mail.example.com!",
        "https://x.example/?Author=AbCdEfGh%40example.com",
    ],
)
def test_a_user_id_or_email_address_is_masked_in_text(text: str) -> None:
    assert "••" in mask_addresses(text)
    assert "Gh" not in mask_addresses(text)


def test_a_stir_passport_token_is_masked_completely() -> None:
    assert mask_parameter("StirPassportToken", "eyJ1.eyJvcmlnIjp7InRuIjoi") == "•••"


@pytest.mark.parametrize(
    "body", [*twilio.MESSAGES.values(), twilio.RECORD_VERB_ACTION, twilio.TRANSCRIPTION]
)
def test_no_captured_webhook_shows_a_number(body: str) -> None:
    for name, value in parse_qsl(body, keep_blank_values=True):
        assert not NUMBERS.search(mask_parameter(name, value)), name


def test_a_megabyte_of_hostile_text_is_masked_quickly() -> None:
    hostile = ("1 " * 300_000 + "a", "1" * 600_000 + "a", "+1(" * 200_000)
    for text in (*hostile, "a@b." * 150_000, "AA." * 200_000):
        assert len(mask_addresses(text)) == len(text)


def test_the_credentials_query_and_fragment_of_a_url_are_removed() -> None:
    url = "https://user:secret@api.twilio.com/2010-04-01/x?Signature=abc&Expires=1#top"
    assert strip_url_secrets(url) == "https://api.twilio.com/2010-04-01/x"


def test_numbers_are_masked_and_url_secrets_removed_in_free_text() -> None:
    text = "got https://user:pw@cdn.example/a?Signature=abc from +15550000077, then http://[ failed"
    assert redact(text) == "got https://cdn.example/a from +•••••••••77, then  failed"
