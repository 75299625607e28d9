"""An app's answer becomes the answer to Twilio, or ours replaces it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mediapipe.gateway.answers import Question, TwilioAnswer, answer_to
from mediapipe.gateway.entries import Entry, OnFailure
from mediapipe.gateway.send import Sent

ENTRY = Entry("bot", "https://bot.example/twilio/sms")
PATH = "/webhooks/twilio/messaging/"
MESSAGE = Question("messaging", PATH)
PRE_HOOK = Question("conversations", "/webhooks/twilio/conversations/", is_pre_hook=True)
EMPTY = TwilioAnswer(200, "text/xml", b"<Response/>")
EMPTY_JSON = TwilioAnswer(200, "application/json", b"{}")
TWIML = Sent(200, "text/xml", b"<Response><Message>Hi</Message></Response>", connect_s=0.1)

# 61 KiB of URLs, each of which becomes longer.
GROWS = b"<Response>" + b"<Redirect>/</Redirect>" * 2800 + b"</Response>"


def test_twiml_is_passed_on_with_its_status_content_type_and_cookies() -> None:
    sent = replace(TWIML, status=201, content_type="text/xml; charset=utf-8", cookies=("a=1",))
    answer = answer_to(MESSAGE, sent, ENTRY)
    assert (answer.status, answer.body, answer.is_apps) == (201, TWIML.body, True)
    assert answer.content_type == "text/xml; charset=utf-8"
    assert answer.cookies == (f"a=1; Path={PATH}",)


def test_relative_urls_in_twiml_become_absolute() -> None:
    sent = replace(TWIML, body=b"<Response><Redirect>next</Redirect></Response>")
    assert b">https://bot.example/twilio/next<" in answer_to(MESSAGE, sent, ENTRY).body


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (200, "text/plain", b"Hello </"),
        (200, "application/json", b'{"message":"ok"}'),
        (200, "text/html; charset=utf-8", b""),
        (200, "text/html", b" \n"),
        (200, None, b""),
        (204, None, b""),
    ],
)
def test_any_response_that_twilio_accepts_is_passed_on(
    status: int, content_type: str | None, body: bytes
) -> None:
    sent = Sent(status, content_type, body)
    assert answer_to(MESSAGE, sent, ENTRY) == TwilioAnswer(status, content_type, body, is_apps=True)


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (replace(TWIML, detail="The answer is over 65536 bytes."), "over 65536 bytes"),
        (replace(TWIML, body=b"<html>Log in</html>"), "not TwiML: its root is not Response"),
        (replace(TWIML, body=b"OK", content_type="text/html"), "not TwiML: line 1: syntax error"),
        (replace(TWIML, content_type="text/xml\r\n x"), "control characters"),
        (replace(TWIML, body=GROWS), "With absolute URLs the answer is over 65536 bytes"),
    ],
)
def test_an_unusable_response_is_replaced_with_an_empty_one_and_explained(
    sent: Sent, why: str
) -> None:
    answer = answer_to(MESSAGE, sent, ENTRY)
    assert replace(answer, lost="") == EMPTY
    assert why in answer.lost


@pytest.mark.parametrize("status", [301, 302, 303, 307])
def test_a_redirect_is_passed_on_with_the_apps_absolute_url(status: int) -> None:
    sent = Sent(status, location="../next?a=1")
    location = "https://bot.example/next?a=1"
    assert answer_to(MESSAGE, sent, ENTRY) == TwilioAnswer(status, location=location, is_apps=True)


@pytest.mark.parametrize("sent", [Sent(308, location="/x"), Sent(302, location="/\r\nx: y")])
def test_a_redirect_that_twilio_does_not_follow_becomes_an_empty_response(sent: Sent) -> None:
    assert answer_to(MESSAGE, sent, ENTRY) == EMPTY


FAILURES = [
    Sent(403, "text/plain", b"Forbidden"),
    Sent(404, "text/html", b"<Response/>"),
    Sent(429),
    Sent(500, "text/plain", b"Traceback"),
    Sent(503),
    Sent(None, connect_s=None, certain=True),
    Sent(None, connect_s=0.1),
]


@pytest.mark.parametrize("sent", FAILURES)
@pytest.mark.parametrize("source", ["messaging", "recording"])
def test_a_failure_of_the_app_gives_twilio_an_empty_response(sent: Sent, source: str) -> None:
    assert answer_to(Question(source, PATH), sent, ENTRY) == EMPTY


@pytest.mark.parametrize(
    ("sent", "status"), list(zip(FAILURES, [200, 200, 200, 502, 502, 502, 504], strict=True))
)
def test_an_entry_can_pass_server_failures_on_to_twilio(sent: Sent, status: int) -> None:
    answer = answer_to(MESSAGE, sent, replace(ENTRY, on_failure=OnFailure.PASS))
    assert answer == (EMPTY if status == 200 else TwilioAnswer(status))


def test_the_json_response_to_a_pre_hook_is_passed_on() -> None:
    sent = Sent(200, "application/json", b'{"body": "changed"}')
    expected = TwilioAnswer(200, "application/json", sent.body, is_apps=True)
    assert answer_to(PRE_HOOK, sent, ENTRY) == expected


@pytest.mark.parametrize(
    "sent", [*FAILURES, Sent(302, location="/x"), Sent(201, body=b"{}"), Sent(200, None, b"")]
)
def test_any_other_response_to_a_pre_hook_lets_the_message_through(sent: Sent) -> None:
    passing = replace(ENTRY, on_failure=OnFailure.PASS)
    assert answer_to(PRE_HOOK, sent, passing) == EMPTY_JSON


@pytest.mark.parametrize("body", [b"[]", b"<Response/>", b"[" * 60_000])
def test_a_pre_hook_response_that_is_not_a_json_object_is_recorded_as_lost(body: bytes) -> None:
    answer = answer_to(PRE_HOOK, Sent(200, "application/json", body), ENTRY)
    assert answer == replace(EMPTY_JSON, lost="The answer is not a JSON object.")


def test_the_response_to_an_event_that_is_not_a_pre_hook_is_ignored() -> None:
    question = replace(PRE_HOOK, is_pre_hook=False)
    assert answer_to(question, Sent(200, "application/json", b'{"a": 1}'), ENTRY) == EMPTY_JSON
