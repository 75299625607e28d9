"""Phone numbers are masked wherever they stand, and nothing else is."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import pytest

from mediapipe.redaction import mask_parameter, mask_phone_numbers, redact, strip_url_secrets
from tests.support.payloads import twilio

# The numbers of every captured webhook end in these; the test server's own prefix is +1 555.
NUMBERS = re.compile(r"1?5550000\d{3}|14155238886")


def test_a_number_keeps_its_length_and_its_last_two_digits() -> None:
    assert mask_phone_numbers("+15550000077") == "+•••••••••77"


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
    assert "•••" in mask_phone_numbers(text)
    assert not re.search(r"\d{7}", re.sub(r"[\s().\-]", "", mask_phone_numbers(text)))


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
    assert mask_phone_numbers(text) == text


@pytest.mark.parametrize("name", ["From", "To", "Caller", "Called", "ForwardedFrom", "Author"])
def test_even_a_short_code_is_masked_where_a_parameter_holds_a_number(name: str) -> None:
    assert mask_parameter(name, "73277") == "•••77"
    assert mask_parameter("NumMedia", "73277") == "73277"


def test_a_name_in_place_of_a_number_is_shown() -> None:
    assert mask_parameter("From", "ACME Ltd.") == "ACME Ltd."


def test_the_signed_statement_about_a_call_is_not_shown_at_all() -> None:
    assert mask_parameter("StirPassportToken", "eyJ1.eyJvcmlnIjp7InRuIjoi") == "•••"


@pytest.mark.parametrize(
    "body", [*twilio.MESSAGES.values(), twilio.RECORD_VERB_ACTION, twilio.TRANSCRIPTION]
)
def test_no_captured_webhook_shows_a_number(body: str) -> None:
    for name, value in parse_qsl(body, keep_blank_values=True):
        assert not NUMBERS.search(mask_parameter(name, value)), name


def test_a_megabyte_of_hostile_digits_is_masked_in_no_time() -> None:
    for text in ("1 " * 300_000 + "a", "1" * 600_000 + "a", "+1(" * 200_000):
        assert len(mask_phone_numbers(text)) == len(text)


def test_a_url_keeps_nothing_that_opens_it() -> None:
    url = "https://user:secret@api.twilio.com/2010-04-01/x?Signature=abc&Expires=1#top"
    assert strip_url_secrets(url) == "https://api.twilio.com/2010-04-01/x"


def test_free_text_loses_numbers_and_the_secrets_of_its_urls() -> None:
    text = "got https://user:pw@cdn.example/a?Signature=abc from +15550000077, then http://[ failed"
    assert redact(text) == "got https://cdn.example/a from +•••••••••77, then  failed"
