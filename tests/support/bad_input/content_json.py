"""C: JSON bodies, of which Twilio signs the hash."""

from __future__ import annotations

from hashlib import sha256

from tests.support.bad_input.cases import MESSAGING, ONE_PICTURE, BadRequest, encoded
from tests.support.payloads import signing, twilio


def json_body(
    name: str, body: bytes | str, reason: str = "json", status: int = 400, media: str = ""
) -> BadRequest:
    """Return a signed JSON request; `media` is the state of the item that it names."""
    content = body if isinstance(body, bytes) else body.encode()
    url = f"{MESSAGING}?bodySHA256={sha256(content).hexdigest()}"
    request = signing.post(
        content, url=url, signature=signing.sign(url), content_type="application/json"
    )
    return BadRequest(name, request, status, reason, (media,) if media else ())


IDS = f'"AccountSid": "{twilio.ACCOUNT_SID}", "MessageSid": "{twilio.MMS_SID}"'


def understood(name: str, more: str, media: str = "") -> BadRequest:
    return json_body(name, f"{{{IDS}, {more}}}", "", 200, media)


JSON = [
    json_body("C12 half a surrogate pair in a value", f'{{{IDS}, "a": "\\ud800"}}', "invalid_utf8"),
    json_body("C12 half a surrogate pair in a name", f'{{{IDS}, "\\udc00": 1}}', "invalid_utf8"),
    json_body("C12 half a pair in a list", f'{{{IDS}, "a": ["\\udfff"]}}', "invalid_utf8"),
    json_body(
        "C12 a pair the wrong way round", f'{{{IDS}, "a": "\\udc00\\ud800"}}', "invalid_utf8"
    ),
    understood("C12 a whole surrogate pair", '"a": "\\ud83d\\ude00"'),
    understood("C10 an escaped NUL in a JSON value", '"Body": "a\\u0000b"'),
    understood("C11 an escaped NUL in a JSON name", '"\\u0000": "x"'),
    understood("C10 an escaped NUL deep in JSON", '"a": {"b": ["\\u0000"]}'),
    understood("C5 JSON with numbers that are none", '"a": NaN, "b": -Infinity, "c": 1e999'),
    understood("C5 JSON with nested values", '"a": {"b": [1, null, true, {}]}, "c": null'),
    understood("C15 JSON with a SID twice", f'"MessageSid": "{twilio.MMS_SID}"'),
    understood("C20 JSON with a count that is a number", '"NumMedia": 2', "url_missing"),
    understood("C29 JSON with a URL elsewhere", '"MediaUrl0": "http://x"', "address_refused"),
    understood("C29 JSON with a list as URL", '"MediaUrl0": ["http://x"]', "address_refused"),
    understood("C29 JSON with null as URL", '"MediaUrl0": null', "address_refused"),
    understood("C29 JSON with a true URL", f'"MediaUrl0": "{twilio.MEDIA_URLS[0]}"', "queued"),
    json_body("C5 JSON that is a list", "[]"),
    json_body("C5 JSON that is text", '"AccountSid"'),
    json_body("C5 JSON that is null", "null"),
    json_body("C5 JSON that is a number", "5"),
    json_body("C5 JSON that is true", "true"),
    json_body("C5 JSON that is empty", ""),
    json_body("C5 JSON that is blank", " \n\t"),
    json_body("C5 JSON that is cut", f"{{{IDS}"),
    json_body("C5 JSON with more behind it", f"{{{IDS}}} {{}}"),
    json_body("C5 JSON with a comment", f"{{{IDS} /* x */}}"),
    json_body("C5 JSON in single quotes", "{'AccountSid': 'x'}"),
    json_body("C5 JSON behind a byte order mark", f"\ufeff{{{IDS}}}"),
    json_body("C5 JSON with a line end in text", f'{{{IDS}, "a": "\n"}}'),
    json_body("C5 JSON with 100 000 brackets", "[" * 100_000),
    json_body("C5 JSON with 100 000 objects", '{"a":' * 100_000),
    json_body("C5 JSON with a number of 5000 digits", f'{{{IDS}, "a": {"9" * 5000}}}'),
    json_body("C5 JSON that is a form", encoded(ONE_PICTURE)),
    json_body("C9 JSON in UTF-16", "{}".encode("utf-16"), "invalid_utf8"),
    json_body("C9 JSON with a raw 0xFF", b'{"a": "\xff"}', "invalid_utf8"),
    json_body(
        "C2 JSON with 1003 names",
        "{" + ", ".join([IDS, *(f'"P{n}": 1' for n in range(1001))]) + "}",
        "too_many_parameters",
    ),
    json_body("C19 JSON with a number as account", '{"AccountSid": 5}', "account_sid", 403),
    json_body("C19 JSON with null as account", '{"AccountSid": null}', "account_sid", 403),
    json_body(
        "C19 JSON with a list as account",
        f'{{"AccountSid": ["{twilio.ACCOUNT_SID}"]}}',
        "account_sid",
        403,
    ),
    json_body("C19 JSON without an account", "{}", "account_sid", 403),
    json_body(
        "C14 JSON without a message", f'{{"AccountSid": "{twilio.ACCOUNT_SID}"}}', "message_sid"
    ),
    json_body(
        "C16 JSON with a number as message",
        f'{{"AccountSid": "{twilio.ACCOUNT_SID}", "MessageSid": 1}}',
        "message_sid",
    ),
]
