"""V: conversation webhooks with odd content, and metadata that does not lead to media."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from mediapipe.simulator.faults import (
    EmptyBody,
    ErrorXml,
    Gzip,
    Hang,
    HangInHeaders,
    HtmlPage,
    Lengths,
    RawAnswer,
    RedirectTo,
    Reset,
    Status,
    Truncated,
    WrongBody,
)
from tests.support.bad_input.cases import (
    CONVERSATIONS,
    BadAnswer,
    BadRequest,
    Pairs,
    changed,
    signed,
)
from tests.support.payloads import twilio

PICTURE: Pairs = tuple(parse_qsl(twilio.CONVERSATION_PICTURE, keep_blank_values=True))
SID = twilio.MEDIA_SIDS[0]


def media(name: str, text: str, *states: str) -> BadRequest:
    """Return a message with this `Media` parameter, whose items must end in these states."""
    request = signed(changed(PICTURE, Media=text), url=CONVERSATIONS)
    return BadRequest(f"V1 {name}", request, 200, media=states)


def refused(name: str, reason: str, **changes: str | None) -> BadRequest:
    request = signed(changed(PICTURE, **changes), url=CONVERSATIONS)
    return BadRequest(f"V2 {name}", request, 400, reason)


def entry(**changes: object) -> str:
    return json.dumps([{"Sid": SID, "ContentType": "image/jpeg", "Size": 123} | changes])


MEDIA = [
    media("no JSON", "photo.jpg", "url_missing"),
    media("JSON that is cut off", entry()[:-1], "url_missing"),
    media("an object", json.dumps({"Sid": SID}), "url_missing"),
    media("a text", json.dumps(SID), "url_missing"),
    media("a number of 5000 digits", "9" * 5000, "url_missing"),
    media("lists in one another", "[" * 9000 + "]" * 9000, "url_missing"),
    media("objects in one another", '[{"Sid":' * 3000, "url_missing"),
    media("a list of texts", json.dumps([SID]), "url_missing"),
    media("a list with null", f"[null, {entry()[1:-1]}]", "url_missing"),
    media("a byte order mark", "\ufeff" + entry(), "url_missing"),
    media("no media", "[]"),
    media("an empty text", ""),
    media("null", "null"),
    media("no Sid", entry(Sid=None), "url_missing"),
    media("an empty Sid", entry(Sid=""), "url_missing"),
    media("a Sid that is a number", entry(Sid=7), "url_missing"),
    media("a Sid that is a list", entry(Sid=[SID]), "url_missing"),
    media("a Sid of another kind", entry(Sid=f"MM{'a' * 32}"), "url_missing"),
    media("a Sid that is too long", entry(Sid=f"{SID}a"), "url_missing"),
    media("a Sid with a line end", entry(Sid=f"{SID}\n"), "url_missing"),
    media("a Sid that leads elsewhere", entry(Sid=f"../../{SID}"), "url_missing"),
    media("a Sid with full-width digits", entry(Sid="ME" + "\uff11" * 32), "url_missing"),
    media("the same Sid twice", f"[{entry()[1:-1]}, {entry()[1:-1]}]", "queued"),
    media("a good and a bad Sid", f"[{entry()[1:-1]}, {{}}]", "queued", "url_missing"),
    media("no content type", entry(ContentType=None), "queued"),
    media("a content type with half a surrogate", entry(ContentType="image/\ud800"), "queued"),
    media("a content type with a NUL", entry(ContentType="image/\0jpeg"), "queued"),
    media("a content type of 30 000 letters", entry(ContentType="x" * 30_000), "queued"),
    media("a content type that is a list", entry(ContentType=["image/jpeg"]), "queued"),
    media("a size that is no number", entry(Size="123"), "queued"),
    media("a size that is not finite", entry(Size=float("inf")), "queued"),
    media("a negative size", entry(Size=-1), "queued"),
    media("a size of 40 digits", entry(Size=10**39), "queued"),
    media("a URL beside the Sid", entry(Url="http://169.254.169.254/"), "queued"),
    media(
        "51 media",
        json.dumps([{"Sid": f"ME{n:032x}"} for n in range(51)]),
        *["queued"] * 50,
        "url_missing",
    ),
]
REFUSED = [
    refused("no event type", "event_type", EventType=None),
    refused("an empty event type", "event_type", EventType=""),
    refused("an event type of another kind", "event_type", EventType="com.twilio.added"),
    refused("an event type with a NUL", "event_type", EventType="onMessage\0Added"),
    refused("no message SID", "message_sid", MessageSid=None),
    refused("the SID of an SMS", "message_sid", MessageSid=twilio.SMS_SID),
    refused("a malformed conversation SID", "conversation_sid", ConversationSid="CH1"),
    refused("a malformed service SID", "chat_service_sid", ChatServiceSid="IS/../x"),
]
CASES: list[BadRequest] = [*MEDIA, *REFUSED]


def metadata(name: str, document: object, outcome: str, status: str = "retrying") -> BadAnswer:
    """Return a 200 with this document in place of the metadata."""
    fault = WrongBody(json.dumps(document), "application/json")
    return BadAnswer(f"V3 {name}", (fault,), (outcome,), status, asked=(1, 0))


def link(name: str, url: object, outcome: str = "redirect_refused") -> BadAnswer:
    document = {"sid": SID, "links": {"content_direct_temporary": url}}
    status = "failed" if outcome == "redirect_refused" else "retrying"
    return metadata(f"a link: {name}", document, outcome, status)


def too_large(size: int) -> BadAnswer:
    document = {"links": {"content_direct_temporary": "http://127.0.0.2/a"}, "size": size}
    return metadata(f"a size of {len(str(size))} digits", document, "too_large", "failed")


LINKS = [
    link("to a host that is not allowed", "https://evil.example/a"),
    link("to the machine itself", "http://127.0.0.1/a"),
    link("to the cloud's metadata", "http://169.254.169.254/latest"),
    link("with a user", "https://media.us1.twilio.com@evil.example/a"),
    link("with a backslash", "https://evil.example\\@media.us1.twilio.com/a"),
    link("to a file", "file:///etc/passwd"),
    link("with a line end", "https://media.us1.twilio.com/a\r\nHost: evil.example"),
    link("to itself", ""),
    link("that is not ASCII", "https://media.us1.twil\u0456o.com/a"),
    link("of 9000 letters", f"https://media.us1.twilio.com/{'a' * 9000}"),
    link("that is a number", 7, "unexpected_answer"),
    link("that is null", None, "unexpected_answer"),
    link("that is an object", {"url": "https://media.us1.twilio.com/a"}, "unexpected_answer"),
]
UNREADABLE = [
    metadata("an empty list", [], "unexpected_answer"),
    metadata("an error document", {"code": 20404, "status": 404}, "unexpected_answer"),
    metadata("no links", {"sid": SID}, "unexpected_answer"),
    metadata("17 KB", {"a": "x" * 17_000}, "unexpected_answer"),
    too_large(1_000_001),
    too_large(10**30),
]


def answer(name: str, *faults: object, outcome: str, status: str = "retrying") -> BadAnswer:
    """Return these faults in place of the metadata, or of the bytes that it links to."""
    return BadAnswer(f"V4 {name}", faults, (outcome,), status)  # type: ignore[arg-type]


REST = [
    answer("a page for metadata", HtmlPage(), outcome="unexpected_answer"),
    answer("an error in XML for metadata", ErrorXml(), outcome="unexpected_answer"),
    answer("nothing for metadata", EmptyBody(), outcome="unexpected_answer"),
    answer("the bytes for metadata", Lengths(("20000",)), outcome="unexpected_answer"),
    answer("compressed bytes for metadata", Gzip(), outcome="unexpected_answer"),
    answer("metadata that is cut off", Truncated(after_bytes=10), outcome="unexpected_answer"),
    answer("no HTTP for metadata", RawAnswer("SSH-2.0-x\r\n"), outcome="unexpected_answer"),
    answer("a redirect of the metadata", RedirectTo("http://CANARY/"), outcome="unexpected_answer"),
    answer("metadata that hangs", Hang(), outcome="too_slow"),
    answer("metadata that hangs in headers", HangInHeaders(), outcome="too_slow"),
    answer("metadata with a reset", Reset(), outcome="connection_failed"),
    answer("a 503 for metadata", Status(503), outcome="twilio_error"),
    answer("a 429 for metadata", Status(429), outcome="rate_limited"),
    answer("a 410 for metadata", Status(410), outcome="gone", status="failed"),
    answer("a 204 for metadata", Status(204), outcome="unexpected_answer"),
    answer("a 404 at the link", Status(404, at="cdn"), outcome="not_ready"),
    answer("a 403 at the link", Status(403, at="cdn"), outcome="cdn_refused"),
    answer("a page at the link", HtmlPage(at="cdn"), outcome="wrong_size"),
    answer("nothing at the link", EmptyBody(at="cdn"), outcome="empty"),
    answer("a compressed body at the link", Gzip(at="cdn"), outcome="wrong_encoding"),
    answer("a body that is cut off", Truncated(at="cdn"), outcome="truncated"),
    answer(
        "a redirect at the link",
        RedirectTo("http://CANARY/", at="cdn"),
        outcome="redirect_refused",
        status="failed",
    ),
]
ANSWERS: list[BadAnswer] = [*LINKS, *UNREADABLE, *REST]
