"""R: responses that are not the media, from Twilio, its CDN or a system in between."""

from __future__ import annotations

from mediapipe.simulator.faults import (
    DripBody,
    DripHeaders,
    EmptyBody,
    Hang,
    HangInBody,
    HangInHeaders,
    RawAnswer,
    Reset,
    Status,
    Truncated,
)
from tests.support.bad_input.answer_bodies import DOCUMENTS, ENCODINGS, FRAMINGS, LENGTH
from tests.support.bad_input.answer_cases import GIVE_UP_AT_ONCE, final, ok, raw, retried
from tests.support.bad_input.answer_redirects import LOCATIONS, REDIRECTS
from tests.support.bad_input.cases import BadAnswer

STATUSES = [
    retried(f"R{number} {code} at the API", Status(code), outcome)
    for number, code, outcome in (
        (1, 404, "not_ready"),
        (13, 500, "twilio_error"),
        (13, 501, "twilio_error"),
        (13, 502, "twilio_error"),
        (13, 503, "twilio_error"),
        (13, 504, "twilio_error"),
        (14, 520, "twilio_error"),
        (14, 599, "twilio_error"),
        (14, 408, "twilio_error"),
        (14, 425, "twilio_error"),
        (15, 204, "unexpected_answer"),
        (15, 201, "unexpected_answer"),
        (16, 206, "unexpected_answer"),
        (17, 304, "unexpected_answer"),
        (17, 300, "unexpected_answer"),
        (17, 405, "unexpected_answer"),
        (17, 418, "unexpected_answer"),
        (17, 451, "unexpected_answer"),
        (17, 600, "unexpected_answer"),
        (17, 999, "unexpected_answer"),
    )
] + [
    final("R6 401 at the API", Status(401), "unauthorized"),
    final("R7 403 at the API", Status(403), "unauthorized"),
    final("R8 410 at the API", Status(410), "gone"),
    final("R8 400 at the API", Status(400), "bad_request"),
]
CDN_STATUSES = [
    retried(f"R5 {code} at the CDN", Status(code, at="cdn"), outcome)
    for code, outcome in (
        (404, "not_ready"),
        (400, "cdn_refused"),
        (401, "cdn_refused"),
        (403, "cdn_refused"),
        (416, "unexpected_answer"),
        (429, "rate_limited"),
        (500, "twilio_error"),
        (503, "twilio_error"),
    )
] + [final("R5 410 at the CDN", Status(410, at="cdn"), "gone")]
RETRY_AFTER = [
    retried(f"R{number} Retry-After {value!r:.40}", Status(429, value), "rate_limited")
    for number, value in (
        (9, None),
        (10, "5"),
        (10, "0"),
        (10, "-5"),
        (10, "5.5"),
        (10, "five"),
        (10, "\u00b2"),
        (11, "Wed, 21 Oct 2015 07:28:00 GMT"),
        (11, "Wed, 21 Oct 9999 07:28:00 GMT"),
        (11, "Wed, 99 Foo 2015 99:99:99 GMT"),
        (11, "Sunday, 06-Nov-94 08:49:37 GMT"),
        (12, "999999999999"),
        (12, "9" * 15),
        (12, "9" * 5000),
    )
] + [retried("R12 503 with an absurd Retry-After", Status(503, "9" * 15), "twilio_error")]
HISTORIES = [
    BadAnswer(
        "R3 404 twice, then the media",
        (Status(404),) * 2,
        ("not_ready",) * 2 + ("stored",),
        "stored",
        (3, 1),
    ),
    BadAnswer(
        "R4 404 for ever",
        (Status(404, forever=True),),
        ("not_ready",),
        "failed",
        (1, 0),
        GIVE_UP_AT_ONCE,
    ),
    BadAnswer(
        "R5 503, 404, cut, then the media",
        (Status(503), Status(404), Truncated(at="cdn")),
        ("twilio_error", "not_ready", "truncated", "stored"),
        "stored",
        (4, 2),
    ),
    BadAnswer(
        "R6 401 after a 404",
        (Status(404), Status(401)),
        ("not_ready", "unauthorized"),
        "failed",
        (2, 0),
    ),
    BadAnswer(
        "R6 the second token is right",
        (Status(401),),
        ("stored",),
        "stored",
        (2, 1),
        {"TWILIO_AUTH_TOKEN": "12345,12345"},
    ),
    BadAnswer(
        "R6 both tokens are wrong",
        (Status(401),) * 2,
        ("unauthorized",),
        "failed",
        (2, 0),
        {"TWILIO_AUTH_TOKEN": "12345,12345"},
    ),
    BadAnswer(
        "R4 5xx for ever",
        (Status(503, forever=True),),
        ("twilio_error",),
        "failed",
        (1, 0),
        GIVE_UP_AT_ONCE,
    ),
    BadAnswer(
        "R33 empty for ever",
        (EmptyBody(forever=True),),
        ("empty",),
        "failed",
        (1, 0),
        GIVE_UP_AT_ONCE,
    ),
]
SLOW = [
    retried("R44 silence instead of an answer", Hang(), "too_slow"),
    retried("R44 silence within the body", HangInBody(), "too_slow"),
    retried("R44 silence within the body at the CDN", HangInBody(at="cdn"), "too_slow"),
    retried("R44 a body that drips", DripBody(0.05), "too_slow"),
    retried("R45 silence within the headers", HangInHeaders(), "too_slow"),
    retried("R45 headers that drip", DripHeaders(0.05), "too_slow"),
    retried("R45 headers that drip at the CDN", DripHeaders(0.05, at="cdn"), "too_slow"),
]
HEADERS = [
    retried("R46 200 headers", ok(*(f"X-{n}: x" for n in range(200))), "unexpected_answer"),
    retried("R46 a header of 70 KB", ok("X: " + "x" * 70_000), "unexpected_answer"),
    retried("R46 a status line of 70 KB", raw("HTTP/1.1 200 " + "O" * 70_000), "unexpected_answer"),
    retried("R46 a header without a colon", ok("Broken", LENGTH), "unexpected_answer"),
    retried("R46 a header without a name", ok(": x", LENGTH), "unexpected_answer"),
    retried("R46 not HTTP", RawAnswer("SSH-2.0-OpenSSH_9.2\r\n"), "unexpected_answer"),
    retried("R46 not even text", RawAnswer("\x00\xff\x16\x03\x01"), "unexpected_answer"),
    retried("R46 a status that is no number", raw("HTTP/1.1 OK OK"), "unexpected_answer"),
    retried("R46 a status of four digits", raw("HTTP/1.1 2000 OK"), "unexpected_answer"),
    retried("R46 a negative status", raw("HTTP/1.1 -200 OK"), "unexpected_answer"),
    retried(
        "R46 an unknown version", raw("HTTP/9.9 200 OK", LENGTH, body=b"abcd"), "unexpected_answer"
    ),
    retried("R48 a reset instead of an answer", Reset(), "connection_failed"),
    retried("R48 a reset behind the headers", Reset("headers"), "connection_failed"),
    retried("R48 a reset within the body", Reset("body"), "connection_failed"),
    retried("R48 a reset at the CDN", Reset(at="cdn"), "connection_failed"),
    retried("R48 a reset within the body at the CDN", Reset("body", at="cdn"), "connection_failed"),
    retried("R48 the end instead of an answer", RawAnswer(""), "connection_failed"),
    retried("R48 the end within the status line", RawAnswer("HTTP/1.1 20"), "unexpected_answer"),
]

CASES: list[BadAnswer] = [
    *STATUSES,
    *CDN_STATUSES,
    *RETRY_AFTER,
    *HISTORIES,
    *DOCUMENTS,
    *LOCATIONS,
    *REDIRECTS,
    *FRAMINGS,
    *ENCODINGS,
    *SLOW,
    *HEADERS,
]
