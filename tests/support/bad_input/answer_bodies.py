"""R: documents, framings and encodings that are not the media."""

from __future__ import annotations

import http.client
from gzip import compress

from mediapipe.simulator.faults import (
    EmptyBody,
    EndlessChunked,
    ErrorXml,
    Gzip,
    HtmlPage,
    Lengths,
    RawAnswer,
    Truncated,
    TruncatedChunked,
    WrongBody,
)
from tests.support.bad_input.answer_cases import CLOSE, final, ok, raw, retried

# Newer patch releases of Python accept at most a hundred of them.
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
