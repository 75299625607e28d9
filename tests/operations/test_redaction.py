"""Phone numbers are masked wherever they stand, and nothing else is."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import pytest

from mediapipe.redaction import masked, masked_value
from tests.support.payloads import twilio

# The numbers of every captured webhook end in these; the test server's own prefix is +1 555.
NUMBERS = re.compile(r"1?5550000\d{3}|14155238886")


def test_a_number_keeps_its_length_and_its_last_two_digits() -> None:
    assert masked("+15550000077") == "+•••••••••77"


@pytest.mark.parametrize(
    "text",
    [
        "whatsapp:+15550000077",
        "call 15550000077 now",
        "(555) 000-0077",
        "555-000-0077",
        "+1 555 000 00 77",
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
    assert "•••" in masked(text)
    assert not re.search(r"\d{7}", re.sub(r"[\s().\-]", "", masked(text)))


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
        "",
    ],
)
def test_what_is_no_number_stays_as_it_is(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize("name", ["From", "To", "Caller", "Called", "ForwardedFrom", "Author"])
def test_even_a_short_code_is_masked_where_a_parameter_holds_a_number(name: str) -> None:
    assert masked_value(name, "73277") == "•••77"
    assert masked_value("NumMedia", "73277") == "73277"


def test_a_name_in_place_of_a_number_is_shown() -> None:
    assert masked_value("From", "ACME Ltd.") == "ACME Ltd."


def test_the_signed_statement_about_a_call_is_not_shown_at_all() -> None:
    assert masked_value("StirPassportToken", "eyJ1.eyJvcmlnIjp7InRuIjoi") == "•••"


@pytest.mark.parametrize(
    "body", [*twilio.MESSAGES.values(), twilio.RECORD_VERB_ACTION, twilio.TRANSCRIPTION]
)
def test_no_captured_webhook_shows_a_number(body: str) -> None:
    for name, value in parse_qsl(body, keep_blank_values=True):
        assert not NUMBERS.search(masked_value(name, value)), name


def test_a_megabyte_of_hostile_digits_is_masked_in_no_time() -> None:
    for text in ("1 " * 300_000 + "a", "1" * 600_000 + "a", "+1(" * 200_000):
        assert len(masked(text)) == len(text)
