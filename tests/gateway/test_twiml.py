"""Relative URLs of an app's TwiML become absolute, and no other byte changes."""

from __future__ import annotations

import pytest

from mediapipe.gateway.twiml import NoTwiml, with_absolute_urls

BASE = "https://bot.example/twilio/sms?a=1"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<Redirect>next</Redirect>", b"<Redirect>https://bot.example/twilio/next</Redirect>"),
        (
            b"<Redirect> /x?a=1&amp;b=2 </Redirect>",
            b"<Redirect>https://bot.example/x?a=1&amp;b=2</Redirect>",
        ),
        (
            b"<Redirect><![CDATA[/x?a=1&b]]></Redirect>",
            b"<Redirect>https://bot.example/x?a=1&amp;b</Redirect>",
        ),
        (
            b"<Message action='done' to='1>2'>Hi</Message>",
            b"<Message action='https://bot.example/twilio/done' to='1>2'>Hi</Message>",
        ),
        (
            b'<Message statusCallback = "/s?a=1&amp;b">/x</Message>',
            b'<Message statusCallback = "https://bot.example/s?a=1&amp;b">/x</Message>',
        ),
        (
            b"<Message><Body>/x</Body><Media>/cat.png</Media></Message>",
            b"<Message><Body>/x</Body><Media>https://bot.example/cat.png</Media></Message>",
        ),
        (
            b'<Record action="//other.example/x" recordingStatusCallback="r"/>',
            b'<Record action="https://other.example/x" recordingStatusCallback="https://bot.example/twilio/r"/>',
        ),
        ("<Redirect>/é</Redirect>".encode(), b"<Redirect>https://bot.example/&#233;</Redirect>"),
    ],
)
def test_a_relative_url_becomes_absolute(body: bytes, expected: bytes) -> None:
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- "action" -->\n<Response>\r\n'
    assert (
        with_absolute_urls(head + body + b"</Response>\n", BASE)
        == head + expected + b"</Response>\n"
    )


@pytest.mark.parametrize(
    "body",
    [
        b"<Response/>",
        b"<Response></Response>\n\n",
        "<Response><Message to='+1'>a &amp; b é 🙂</Message></Response>".encode(),
        b'<?xml version="1.0" encoding="ISO-8859-1"?><Response>\xe9</Response>',
        b'<Response><Redirect method="GET">https://x.example/a</Redirect></Response>',
        b'<Response><Message action=""><Media></Media></Message><Redirect/></Response>',
        b"<Response><Redirect>http://[</Redirect></Response>",
    ],
)
def test_twiml_without_relative_urls_is_left_unchanged(body: bytes) -> None:
    assert with_absolute_urls(body, BASE) == body


BOMB = b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><Response>&b;</Response>'


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html><body>Log in</body></html>", "its root is not Response"),
        (b"<Response><Message>", "no element found"),
        (b"OK", "syntax error"),
        (b"<Response>&nbsp;</Response>", "undefined entity"),
        (b"\xff\xfe", "no element found"),
        (BOMB, "it declares a document type"),
        ("<Response><Redirect>/a</Redirect></Response>".encode("utf-16"), "ASCII"),
        (b'<?xml version="1.0" encoding="utf-7"?><Response/>', "encoding is not supported"),
        (b'<?xml version="1.0" encoding="none"?><Response/>', "encoding is not supported"),
    ],
)
def test_a_body_that_is_not_valid_twiml_is_refused_with_the_reason(body: bytes, why: str) -> None:
    with pytest.raises(NoTwiml, match=why):
        with_absolute_urls(body, BASE)
