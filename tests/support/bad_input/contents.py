"""C: requests signed by Twilio whose content is odd or unreadable."""

from __future__ import annotations

from urllib.parse import quote

from mediapipe.providers.base import WebhookRequest
from tests.support.bad_input.cases import (
    MESSAGING,
    ONE_PICTURE,
    BadRequest,
    Pairs,
    changed,
    sid,
    signed,
)
from tests.support.bad_input.content_cases import PICTURE, message, unreadable
from tests.support.bad_input.content_forms import (
    CHARSETS,
    LITERAL,
    MULTIPARTS,
    NO_UTF8,
    NULS,
    SIZES,
    TEXTS,
    TYPES,
    many,
)
from tests.support.bad_input.content_json import JSON
from tests.support.bad_input.content_recordings import RECORDINGS
from tests.support.bad_input.content_sids import MESSAGE_SIDS
from tests.support.payloads import signing, twilio

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
    """Return a message with a different picture at each number."""
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
