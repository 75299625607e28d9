"""R: responses of Twilio, its CDN or something between that are not the media."""

from __future__ import annotations

import http.client
from gzip import compress

from mediapipe.simulator.faults import (
    DripBody,
    DripHeaders,
    EmptyBody,
    EndlessChunked,
    ErrorXml,
    Fault,
    Gzip,
    Hang,
    HangInBody,
    HangInHeaders,
    Hops,
    HtmlPage,
    Lengths,
    RawAnswer,
    RedirectLoop,
    RedirectTo,
    Reset,
    Status,
    Truncated,
    TruncatedChunked,
    WrongBody,
)
from mediapipe.simulator.log import Place
from tests.support.bad_input.cases import BadAnswer

NO_SLOW_PHASE = {"RETRY_SLOW_SCHEDULE_S": ()}
# After a raw answer the simulator closes the connection. If the client can see where that answer
# ends, it has to say so: else the next attempt may reuse the connection just before it is closed.
CLOSE = "Connection: close"
GIVE_UP_AT_ONCE = {"RETRY_FAST_WINDOW_S": 0.0, **NO_SLOW_PHASE}


def retried(name: str, fault: Fault, outcome: str) -> BadAnswer:
    """Return an answer that the item survives: the next attempt stores it."""
    return BadAnswer(name, (fault,), (outcome, "stored"), "stored")


def final(name: str, fault: Fault, outcome: str) -> BadAnswer:
    return BadAnswer(name, (fault,), (outcome,), "failed")


def raw(*lines: str, body: bytes = b"", at: Place = "api") -> RawAnswer:
    """Return an answer of these lines, the status line first, and of this body."""
    return RawAnswer("\r\n".join([*lines, "", ""]) + body.decode("latin-1"), at=at)


def ok(*headers: str, body: bytes = b"\xff\xd8\xff\xe0", at: Place = "api") -> RawAnswer:
    return raw("HTTP/1.1 200 OK", *headers, body=body, at=at)


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
# Newer patch releases of Python accept a hundred of them.
TOO_MANY_100S = (
    "unexpected_answer" if hasattr(http.client, "_MAXINTERIMRESPONSES") else "connection_failed"
)
INFORMATIONAL = b"HTTP/1.1 100 Continue\r\n\r\n"
DOCUMENTS = [
    retried(
        "R2 404 with a web page",
        raw("HTTP/1.1 404 Not Found", "Content-Type: text/html", body=b"<html>"),
        "not_ready",
    ),
    retried(
        "R2 404 without a body",
        raw("HTTP/1.1 404 Not Found", "Content-Length: 0", CLOSE),
        "not_ready",
    ),
    retried(
        "R2 404 with a code of 4000 digits",
        raw("HTTP/1.1 404 x", body=(b'{"code": %s}' % (b"9" * 4000))),
        "not_ready",
    ),
    retried(
        "R2 404 with a code over any column",
        raw("HTTP/1.1 404 x", body=(b"<RestException><Code>999999999</Code></RestException>")),
        "not_ready",
    ),
    retried(
        "R2 404 with a document that is cut",
        raw("HTTP/1.1 404 x", "Content-Length: 900", body=b"<TwilioResponse>"),
        "not_ready",
    ),
    retried(
        "R2 404 with 1 MB of brackets", raw("HTTP/1.1 404 x", body=b"[" * 1_000_000), "not_ready"
    ),
    retried(
        "R18 three 100s before a cut", RawAnswer(INFORMATIONAL.decode() * 3), "connection_failed"
    ),
    retried("R18 10 000 times 100", RawAnswer(INFORMATIONAL.decode() * 10_000), TOO_MANY_100S),
    retried(
        "R18 103 as the last word", raw("HTTP/1.1 103 Early Hints", CLOSE), "unexpected_answer"
    ),
    retried("R19 Twilio's error as XML", ErrorXml(), "error_document_as_media"),
    retried("R19 Twilio's error as XML at the CDN", ErrorXml(at="cdn"), "error_document_as_media"),
    retried(
        "R19 Twilio's error as JSON",
        WrongBody(
            '{"code": 20404, "message": "x", "more_info": "x", "status": 404}', "application/json"
        ),
        "error_document_as_media",
    ),
    retried(
        "R19 Twilio's error behind a byte order mark",
        WrongBody("\ufeff<?xml version='1.0'?>\n<TwilioResponse><RestException>", "image/jpeg"),
        "error_document_as_media",
    ),
    retried("R20 a login page", HtmlPage(), "error_document_as_media"),
    retried("R20 a login page at the CDN", HtmlPage(at="cdn"), "error_document_as_media"),
    retried(
        "R20 a login page declared as a picture",
        HtmlPage(content_type="image/jpeg"),
        "error_document_as_media",
    ),
    retried(
        "R20 a page that redirects by script",
        WrongBody("<script>location='http://evil.example'</script>", "image/jpeg"),
        "error_document_as_media",
    ),
]
LOCATIONS = [
    final(f"{name} {location!r:.60}", RedirectTo(location), "redirect_refused")
    for name, locations in {
        "R25": (
            "http://evil.example/",
            "http://mms.twiliocdn.com/x",
            "http://CANARY/",
            "https://CANARY/",
        ),
        "R26": (
            "http://169.254.169.254/latest/",
            "https://169.254.169.254/",
            "http://[::1]/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://localhost/",
            "https://[::ffff:169.254.169.254]/",
            "https://[64:ff9b::a9fe:a9fe]/",
            "http://metadata.google.internal/",
        ),
        "R27": (
            "file:///etc/passwd",
            "ftp://CANARY/",
            "data:image/jpeg;base64,/9j/",
            "javascript:alert(1)",
            "gopher://CANARY/",
            "mailto:a@b",
            "about:blank",
        ),
        "R28": (
            "http://[::1",
            "http://[",
            "http://]/",
            "http://a:b:c/",
            "http://CANARY:99999/",
            "http://:80/",
            "http://",
            "//",
            "https:CANARY",
        ),
        "R29": (None, "", " "),
        "R31": ("//evil.example/x", "//CANARY/x", "\\\\CANARY\\x", "/\\CANARY/x"),
        "R32": (
            "/x\ty",
            "/x y",
            "/x\x00y",
            "/\u00e9",
            "/x\\y",
        ),
        "R25 ambiguous": (
            "https://mms.twiliocdn.com@CANARY/",
            "https://CANARY\\@mms.twiliocdn.com/",
            "https://CANARY#@mms.twiliocdn.com/",
            "https://user@mms.twiliocdn.com/",
            "https://mms.twiliocdn.com.evil.example/",
            "https://evil.example/?x",
        ),
        "R46": ("/" + "a" * 9000, "https://mms.twiliocdn.com/" + "a" * 9000),
    }.items()
    for location in locations
]
REDIRECTS = [
    final(f"R22 {code} to nowhere", RedirectTo("http://evil.example/", code), "redirect_refused")
    for code in (301, 302, 303, 308)
] + [
    final("R23 a loop at the API", RedirectLoop(), "redirect_refused"),
    final("R23 a loop at the CDN", RedirectLoop(at="cdn"), "redirect_refused"),
    final("R24 6 hops", Hops(6), "redirect_refused"),
    final("R24 30 hops", Hops(30), "redirect_refused"),
    BadAnswer("R21 4 hops", (Hops(4),), ("stored",), "stored", (1, 4)),
    final(
        "R26 a CDN that leads inside",
        RedirectTo("http://127.0.0.1:1/", at="cdn"),
        "redirect_refused",
    ),
    final(
        "R26 a CDN that leads to a file",
        RedirectTo("file:///etc/passwd", at="cdn"),
        "redirect_refused",
    ),
    final(
        "R32 two Locations",
        raw("HTTP/1.1 307 x", "Location: /a", "Location: http://CANARY/"),
        "redirect_refused",
    ),
    final(
        "R32 a Location that is folded",
        raw("HTTP/1.1 307 x", "Location: http://CANARY", " /x", "Content-Length: 0"),
        "redirect_refused",
    ),
    # These stay at the API, which gets no credentials a second time and refuses.
    retried("R31 a relative Location", RedirectTo("/nothing"), "cdn_refused"),
    retried("R28 a Location without a host", RedirectTo("http:///x"), "cdn_refused"),
    retried("R28 three slashes", RedirectTo("///CANARY/x"), "cdn_refused"),
    retried("R32 a Location with a line end", RedirectTo("/x\r\nX-Evil: 1"), "cdn_refused"),
    retried("R32 a Location with half a line end", RedirectTo("/\rx"), "unexpected_answer"),
    retried(
        "R30 a CDN that asks for credentials",
        raw("HTTP/1.1 401 x", 'WWW-Authenticate: Basic realm="x"', at="cdn"),
        "cdn_refused",
    ),
]
LENGTH = "Content-Length: 4"
FRAMINGS = [
    retried("R33 an empty body", EmptyBody(), "empty"),
    retried("R33 an empty body at the CDN", EmptyBody(at="cdn"), "empty"),
    retried(
        "R33 an empty chunked body",
        ok("Transfer-Encoding: chunked", CLOSE, body=b"0\r\n\r\n"),
        "empty",
    ),
    retried("R33 headers and nothing more", ok(body=b""), "empty"),
    retried("R34 a cut body", Truncated(), "truncated"),
    retried("R34 a cut body at the CDN", Truncated(at="cdn"), "truncated"),
    retried("R34 nothing of the body", Truncated(after_bytes=0), "truncated"),
    retried("R34 all but a byte", Truncated(after_bytes=19_999), "truncated"),
    retried("R34 longer announced by a byte", Lengths(("20001",)), "truncated"),
    retried("R36 chunks without an end", TruncatedChunked(), "truncated"),
    retried("R36 chunks without an end at the CDN", TruncatedChunked(at="cdn"), "truncated"),
    retried(
        "R36 a chunk that is cut", ok("Transfer-Encoding: chunked", body=b"9\r\nab"), "truncated"
    ),
    retried(
        "R36 a chunk size that is none",
        ok("Transfer-Encoding: chunked", body=b"zz\r\nab"),
        "truncated",
    ),
    retried(
        "R36 a negative chunk size",
        ok("Transfer-Encoding: chunked", body=b"-5\r\nabcde"),
        "truncated",
    ),
    final("R37 endless chunks", EndlessChunked(), "too_large"),
    final("R37 endless chunks at the CDN", EndlessChunked(at="cdn"), "too_large"),
    final("R38 9999999999999 bytes", Lengths(("9999999999999",)), "too_large"),
    final("R38 a byte over the cap", Lengths(("1000001",)), "too_large"),
    retried("R38 a length of 5000 digits", Lengths(("9" * 5000,)), "unexpected_answer"),
    retried("R39 a negative length", Lengths(("-1",)), "unexpected_answer"),
    retried("R39 a length with a sign", Lengths(("+20000",)), "unexpected_answer"),
    retried("R39 a length in hexadecimal", Lengths(("0x4e20",)), "unexpected_answer"),
    retried("R39 an empty length", Lengths(("",)), "unexpected_answer"),
    retried("R39 a length of letters", Lengths(("many",)), "unexpected_answer"),
    retried("R39 a length with a fraction", Lengths(("20000.0",)), "unexpected_answer"),
    retried("R39 a length with underscores", Lengths(("20_000",)), "unexpected_answer"),
    retried("R40 two lengths", Lengths(("20000", "5")), "unexpected_answer"),
    retried("R40 two lengths in one", Lengths(("20000, 5",)), "unexpected_answer"),
    retried("R41 a length and chunks", Lengths(("20000",), chunked=True), "unexpected_answer"),
    retried("R41 an unknown transfer encoding", ok("Transfer-Encoding: gzip"), "unexpected_answer"),
    retried(
        "R41 gzip and chunks",
        ok("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
        "unexpected_answer",
    ),
]
BOMB = compress(bytes(30_000_000))
ENCODINGS = [
    retried("R42 a gzip bomb", ok("Content-Encoding: gzip", body=BOMB), "wrong_encoding"),
    retried(
        "R43 a gzip that is cut",
        ok("Content-Encoding: gzip", "Content-Length: 20", body=BOMB[:20]),
        "wrong_encoding",
    ),
    retried("R43 gzip", Gzip(), "wrong_encoding"),
    retried("R43 gzip at the CDN", Gzip(at="cdn"), "wrong_encoding"),
] + [
    retried(f"R43 Content-Encoding: {name}", ok(f"Content-Encoding: {name}"), "wrong_encoding")
    for name in (
        "deflate",
        "br",
        "zstd",
        "x-gzip",
        "identity, gzip",
        "nonsense",
        "gzip, gzip",
        "aes128gcm",
        "gzip, aws-chunked",
    )
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
