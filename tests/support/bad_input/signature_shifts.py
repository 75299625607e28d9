"""W: other parameters with the same signature as those that Twilio signed."""

from __future__ import annotations

from tests.support.bad_input.cases import MESSAGING, ONE_PICTURE, BadRequest, Pairs, changed, signed
from tests.support.bad_input.signature_cases import PICTURE, forged, good
from tests.support.payloads import twilio


def shifted(name: str, was: Pairs, now: Pairs, *, media: tuple[str, ...] = ()) -> BadRequest:
    """Return a request whose joined names and values are the text that was signed."""
    return good(name, signed(was, sent=now), media)


ACCOUNT = ("AccountSid", twilio.ACCOUNT_SID)
MESSAGE = ("MessageSid", twilio.MMS_SID)
EVIL = "https://evil.example/x"
# The signed text has no delimiters, so these have the same signature as what Twilio signed. No
# character of a SID or URL can be shifted without breaking its pattern.
SHIFTS = [
    shifted(
        "W24 the text of a sender becomes a URL elsewhere",
        (ACCOUNT, ("Body", f"xMediaUrl0{EVIL}"), MESSAGE),
        (ACCOUNT, ("Body", "x"), ("MediaUrl0", EVIL), MESSAGE),
        media=("address_refused",),
    ),
    shifted(
        "W24 the text of a sender becomes a URL of another message",
        (ACCOUNT, ("Body", f"xMediaUrl0{twilio.MEDIA_URLS[0]}"), ("MessageSid", twilio.SMS_SID)),
        (
            ACCOUNT,
            ("Body", "x"),
            ("MediaUrl0", twilio.MEDIA_URLS[0]),
            ("MessageSid", twilio.SMS_SID),
        ),
        media=("address_refused",),
    ),
    shifted(
        "W24 a URL becomes a part of its type",
        ONE_PICTURE,
        changed(MediaContentType0=f"image/jpegMediaUrl0{twilio.MEDIA_URLS[0]}", MediaUrl0=None),
        media=("url_missing",),
    ),
    shifted(
        "W25 a name gives a letter to its value",
        ONE_PICTURE,
        (*changed(Body=None), ("Bod", "yTest mms")),
        media=PICTURE,
    ),
    shifted(
        "W25 a value gives a letter to its name",
        ONE_PICTURE,
        (*changed(Body=None), ("BodyT", "est mms")),
        media=PICTURE,
    ),
    shifted(
        "W25 a URL gives a letter to its name",
        ONE_PICTURE,
        (*changed(MediaUrl0=None), ("MediaUrl0h", twilio.MEDIA_URLS[0][1:])),
        media=("url_missing",),
    ),
    shifted(
        "W25 the number of a URL goes to the URL",
        ONE_PICTURE,
        (*changed(MediaUrl0=None), ("MediaUrl", f"0{twilio.MEDIA_URLS[0]}")),
        media=("url_missing",),
    ),
    BadRequest(
        "W25 a message SID gives a letter to its name",
        signed((ACCOUNT, MESSAGE), sent=(ACCOUNT, (f"MessageSid{MESSAGE[1][0]}", MESSAGE[1][1:]))),
        400,
        "message_sid",
    ),
    BadRequest(
        "W25 a name gives a letter to a message SID",
        signed((ACCOUNT, MESSAGE), sent=(ACCOUNT, ("MessageSi", f"d{MESSAGE[1]}"))),
        400,
        "message_sid",
    ),
    BadRequest(
        "W25 a message SID takes in the next name",
        signed((ACCOUNT, MESSAGE, ("To", "+1")), sent=(ACCOUNT, (MESSAGE[0], f"{MESSAGE[1]}To+1"))),
        400,
        "message_sid",
    ),
    forged(
        "W25 an account SID gives a letter to its name",
        signed(sent=(*changed(AccountSid=None), ("AccountSidA", twilio.ACCOUNT_SID[1:]))),
        "account_sid",
    ),
    forged(
        "W26 the first parameter goes to the query",
        signed(
            url=f"{MESSAGING}?x=1",
            sent_to=f"{MESSAGING}?x=1AccountSid{twilio.ACCOUNT_SID}",
            sent=changed(AccountSid=None),
        ),
        "account_sid",
    ),
    forged(
        "W26 every parameter goes to the query",
        signed(
            url=f"{MESSAGING}?x=1",
            sent_to=f"{MESSAGING}?x=1" + "".join(n + v for n, v in sorted((ACCOUNT, MESSAGE))),
            sent=(),
        ),
        "account_sid",
    ),
    good(
        "W26 the query goes to a parameter",
        signed(url=f"{MESSAGING}?x=1", sent_to=f"{MESSAGING}?x", sent=(*ONE_PICTURE, ("=1", ""))),
    ),
    BadRequest(
        "W26 the first parameter goes to the path",
        signed(sent_to=f"{MESSAGING}AccountSid", sent=changed(AccountSid=None)),
        404,
    ),
]
