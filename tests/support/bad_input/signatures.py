"""W: requests that do not prove that Twilio sent them, and a few odd ones that do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mediapipe.providers.base import WebhookRequest
from tests.support.bad_input.cases import (
    CONVERSATIONS,
    MESSAGING,
    ONE_PICTURE,
    ORIGIN,
    RECORDING,
    BadRequest,
    Pairs,
    changed,
    encoded,
    signed,
)
from tests.support.payloads import signing, twilio

GOOD = signing.sign(MESSAGING, list(ONE_PICTURE))
PICTURE = ("queued",)
ACCOUNTS = {
    "TWILIO_ACCOUNT_SID": "",
    "TWILIO_AUTH_TOKEN": "",
    "TWILIO_ACCOUNTS_FILE": str(Path(__file__).parent / "accounts.json"),
}
PUBLIC = {"PUBLIC_BASE_URL": "https://media.example.com"}
PUBLIC_URL = "https://media.example.com/webhooks/twilio/messaging/"
SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"


def without(request: WebhookRequest, *headers: str) -> WebhookRequest:
    kept = {name: value for name, value in request.headers.items() if name not in headers}
    return replace(request, headers=kept)


def forged(name: str, request: WebhookRequest, reason: str = "signature_wrong") -> BadRequest:
    return BadRequest(name, request, 403, reason)


def good(name: str, request: WebhookRequest, media: tuple[str, ...] = PICTURE) -> BadRequest:
    return BadRequest(name, request, 200, media=media)


def to(url: str) -> WebhookRequest:
    """Return a request that is signed for this URL and sent to the real one."""
    return signed(url=url, sent_to=MESSAGING)


MISSING = [
    forged("W1 no signature", without(signed(), "x-twilio-signature"), "signature_missing"),
    forged("W2 empty signature", signed(signature=""), "signature_missing"),
]
MALFORMED = [
    forged(f"{name} signature", signed(signature=value), "signature_malformed")
    for name, value in {
        "W3 one letter short": GOOD[:-2] + "=",
        "W3 one letter long": "A" + GOOD,
        "W3 SHA-256 long": "A" * 43 + "=",
        "W3 a kilobyte of": "A" * 1024,
        "W3 a blank as": " ",
        "W3 unpadded": GOOD[:-1],
        "W3 hexadecimal": "ab" * 20,
        "W19 twice the same": f"{GOOD},{GOOD}",
        "W19 a right and a wrong": f"{GOOD}, {'A' * 27}=",
        "W20 Latin-1": "\xe9" * 27 + "=",
        "W20 URL-safe base64": "-_" * 13 + "A=",
        "W20 letters with marks as": GOOD[:-3] + "\xc3\xa5=",
        "W20 line end behind": GOOD + "\n",
        "W20 a tab before": "\t" + GOOD[1:],
        "W20 quoted": f'"{GOOD[1:-1]}"',
        "W20 NUL in the": GOOD[:10] + "\0" + GOOD[11:],
        "W20 JSON null as": "null",
        "W20 named by its algorithm": f"sha1={GOOD}",
    }.items()
]
WRONG = [
    forged(f"{name} signature", signed(signature=value))
    for name, value in {
        "W4 the first letter changed in the": ("B" if GOOD[0] == "A" else "A") + GOOD[1:],
        "W4 the last letter changed in the": GOOD[:-2] + ("B" if GOOD[-2] == "A" else "A") + "=",
        "W4 all letters A in the": "A" * 27 + "=",
        "W4 upper and lower case swapped in the": GOOD.swapcase(),
        "W4 reversed": GOOD[-2::-1] + "=",
        "W4 of no parameters, the": signing.sign(MESSAGING),
        "W4 of an empty token, the": signing.sign(MESSAGING, list(ONE_PICTURE), ""),
        "W4 of another token, the": signing.sign(MESSAGING, list(ONE_PICTURE), "54321"),
        "W4 of the account SID as token, the": signing.sign(
            MESSAGING, list(ONE_PICTURE), twilio.ACCOUNT_SID
        ),
        "W4 of the whole token list, the": signing.sign(MESSAGING, list(ONE_PICTURE), "12345,"),
    }.items()
]
OTHER_URL = [
    forged(f"{name}", to(url))
    for name, url in {
        "W5 signed for the recording URL": RECORDING,
        "W5 signed for the conversations URL": CONVERSATIONS,
        "W5 signed for another host": MESSAGING.replace("testserver", "other.example"),
        "W5 signed for a longer host": MESSAGING.replace("testserver", "testserver.example"),
        "W5 signed for an upper case path": MESSAGING.replace("messaging", "MESSAGING"),
        "W5 signed for an upper case host": MESSAGING.replace("testserver", "TESTSERVER"),
        "W5 signed for a deeper path": f"{MESSAGING}x/",
        "W5 signed for a doubled slash": MESSAGING.replace("/webhooks", "//webhooks"),
        "W5 signed for the bare origin": ORIGIN,
        "W5 signed for a user at the host": MESSAGING.replace("testserver", "a:b@testserver"),
        "W6 signed for https": MESSAGING.replace("http:", "https:"),
        "W6 signed without a scheme": MESSAGING.removeprefix("http:"),
        "W7 signed for another port": MESSAGING.replace("testserver", "testserver:8080"),
        "W7 signed for the port of https": MESSAGING.replace("testserver", "testserver:443"),
        "W8 signed without the last slash": MESSAGING.rstrip("/"),
        "W8 signed with a second last slash": f"{MESSAGING}/",
        "W9 signed with a query": f"{MESSAGING}?a=1",
    }.items()
]
OTHER_QUERY = [
    forged(
        f"W9 query {was} becomes {now}",
        signed(url=f"{MESSAGING}?{was}", sent_to=f"{MESSAGING}?{now}"),
    )
    for was, now in {
        "a=%2F": "a=/",
        "a=%2f": "a=%2F",
        "a=+": "a=%20",
        "a=~": "a=%7E",
        "a=1&b=2": "b=2&a=1",
        "a=1": "a=1&",
        "a": "a=",
        "a=%C3%A9": "a=%E9%80%80",
        "bodySHA256=0": "bodySHA256=1",
    }.items()
]
PARAMETERS = [
    forged(name, signed(sent=sent))
    for name, sent in {
        "W10 another text": changed(Body="Test MMS"),
        "W10 another sender": changed(From="+15550000003"),
        "W10 another message": changed(MessageSid=f"MM{'9' * 32}"),
        "W10 another picture": changed(MediaUrl0=twilio.MEDIA_URLS[1]),
        "W10 another count": changed(NumMedia="2"),
        "W10 a longer value": changed(Body="Test mms "),
        "W11 one more picture": changed(MediaUrl1=twilio.MEDIA_URLS[1]),
        "W11 one more parameter": changed(New="1"),
        "W11 one more empty parameter": changed(New=""),
        "W11 a parameter without a name": (*ONE_PICTURE, ("", "x")),
        "W12 without its text": changed(Body=None),
        "W12 without its picture": changed(MediaUrl0=None),
        "W12 without an empty parameter's name": changed(FromCity=None),
        "W15 a second text": (*ONE_PICTURE, ("Body", "other")),
        "W15 a second picture": (*ONE_PICTURE, ("MediaUrl0", twilio.MEDIA_URLS[1])),
    }.items()
]
BLANKS = [
    forged(f"W16 {name} trimmed", signed(changed(Body=text), sent=changed(Body=text.strip())))
    for name, text in {"blanks": " hi ", "a line end": "hi\n", "a no-break space": "\xa0hi"}.items()
]
ODD_BUT_SIGNED = [
    good("W7 signed with the port that is the default", to(MESSAGING.replace("r/w", "r:80/w"))),
    good("W13 parameters in reverse order", signed(sent=ONE_PICTURE[::-1])),
    good("W13 parameters sorted", signed(sent=tuple(sorted(ONE_PICTURE)))),
    good("W14 a parameter twice", signed(sent=(*ONE_PICTURE, ONE_PICTURE[3]))),
    good("W14 every parameter twice", signed(sent=ONE_PICTURE * 2)),
    BadRequest(
        "W17 the old token while it is listed",
        signed(token="old"),
        200,
        media=PICTURE,
        settings={"TWILIO_AUTH_TOKEN": "new,old"},
    ),
    BadRequest(
        "W6 the public URL of a proxy",
        signed(url=PUBLIC_URL, sent_to=MESSAGING),
        200,
        media=PICTURE,
        settings=PUBLIC,
    ),
    good("W31 another X-Forwarded-Host", signed(X_Forwarded_Host="evil.example")),
    good("W34 another method in a header", signed(X_HTTP_Method_Override="DELETE")),
    good("W34 a method in lower case", replace(signed(), method="post")),
    good("W30 a port over 65535", signed(Host="testserver:99999")),
]
TOKENS = [
    BadRequest(
        "W17 the old token when it is not listed any more",
        signed(token="old"),
        403,
        "signature_wrong",
        settings={"TWILIO_AUTH_TOKEN": "new"},
    ),
    BadRequest(
        "W6 the address inside of a proxy",
        signed(),
        403,
        "signature_wrong",
        settings=PUBLIC,
    ),
    BadRequest(
        "W18 the token of another account of ours",
        signed(token="token-of-b"),
        403,
        "signature_wrong",
        settings=ACCOUNTS,
    ),
    BadRequest(
        "W18 another account of ours in the parameters",
        signed(changed(AccountSid="AC" + "b2" * 16)),
        403,
        "signature_wrong",
        settings=ACCOUNTS,
    ),
    BadRequest(
        "W18 the secret of an API key",
        signed(changed(AccountSid="AC" + "c3" * 16), token="secret"),
        403,
        "token_missing",
        settings=ACCOUNTS,
    ),
    BadRequest(
        "W18 no account is configured",
        signed(),
        403,
        "account_unknown",
        settings={"TWILIO_ACCOUNT_SID": "", "TWILIO_AUTH_TOKEN": ""},
    ),
]
CHOSEN_KEYS = [
    forged(
        f"{name} in the settings header",
        signed(**{SETTINGS_HEADER: value}),  # type: ignore[arg-type]  # a header
        "signature_settings",
    )
    for name, value in {
        "W21 an unknown shared key": "key=WK1,algorithm=HMAC_SHA256",
        "W21 a path as key": "key=../../etc/passwd",
        "W22 no algorithm": "algorithm=none",
        "W22 MD5": "key=WK1,algorithm=HMAC_MD5",
        "W23 an upgrade": "algorithm=HMAC_SHA256",
        "W23 a downgrade": "algorithm=HMAC_SHA1",
        "W23 nothing": "",
        "W23 two algorithms": "algorithm=HMAC_SHA1,algorithm=HMAC_SHA256",
        "W23 a kilobyte": "k" * 1024,
    }.items()
]


def shifted(name: str, was: Pairs, now: Pairs, *, media: tuple[str, ...] = ()) -> BadRequest:
    """Return a request whose names and values run together to what was signed."""
    return good(name, signed(was, sent=now), media)


ACCOUNT = ("AccountSid", twilio.ACCOUNT_SID)
MESSAGE = ("MessageSid", twilio.MMS_SID)
EVIL = "https://evil.example/x"
# These have the signature of what Twilio signed, because it is over an undelimited text. Of
# the SIDs and URLs nothing can be shifted without breaking their patterns.
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

JSON = b'{"AccountSid": "%s", "MessageSid": "%s"}' % (
    twilio.ACCOUNT_SID.encode(),
    twilio.MMS_SID.encode(),
)


def json_to(url: str, body: bytes = JSON, signature: str | None = None) -> WebhookRequest:
    signature = signing.sign(url) if signature is None else signature
    return signing.post(body, url=url, signature=signature, content_type="application/json")


HASHED = signing.signed_json(JSON.decode(), url=MESSAGING)
QUERY = HASHED.url.removeprefix(MESSAGING)
HASH = QUERY[1:]
BODIES = [
    forged("W27 JSON without a hash in the URL", json_to(MESSAGING), "body_hash"),
    forged("W27 JSON with an empty hash", json_to(f"{MESSAGING}?bodySHA256="), "body_hash"),
    forged(
        "W27 JSON with an upper case hash",
        json_to(f"{MESSAGING}?bodySHA256={HASH[11:].upper()}"),
        "body_hash",
    ),
    forged("W27 JSON with its hash twice", json_to(f"{HASHED.url}&{HASH}"), "body_hash"),
    forged("W27 JSON with the hash in the fragment", json_to(f"{MESSAGING}#{HASH}"), "body_hash"),
    forged("W27 another JSON under a signed hash", json_to(HASHED.url, JSON + b" "), "body_hash"),
    forged("W28 the signature of a form over JSON", json_to(HASHED.url, signature=GOOD)),
    forged(
        "W28 a form under the signature of JSON",
        replace(
            HASHED,
            body=encoded(ONE_PICTURE),
            headers={**HASHED.headers, "content-type": signing.FORM},
        ),
    ),
    forged(
        "W28 no body under the signature of JSON",
        replace(HASHED, body=b""),
        "body_hash",
    ),
    forged(
        "W28 the signature of a GET over a POST",
        replace(
            signing.signed_get(twilio.MMS_ONE_PICTURE, url=MESSAGING),
            method="POST",
            headers={
                "x-twilio-signature": signing.sign(f"{MESSAGING}?{twilio.MMS_ONE_PICTURE}"),
                "content-type": signing.FORM,
            },
            body=encoded(ONE_PICTURE),
        ),
    ),
    forged(
        "W28 the signature of a POST over a GET",
        WebhookRequest(
            "GET",
            f"{MESSAGING}?{twilio.MMS_ONE_PICTURE}",
            {"x-twilio-signature": GOOD},
            b"",
        ),
    ),
    forged(
        "W29 bytes that are no text under a right length",
        signed(sent=b"AccountSid=" + twilio.ACCOUNT_SID.encode() + b"&\x01\x02=\x03"),
    ),
]
HOSTS = [
    BadRequest(f"W31 Host {host[:40]!r}", signed(Host=host), 400, "host_not_allowed")
    for host in (
        "evil.example",
        "testserver.evil.example",
        "evil.example:80",
        "testserver@evil.example",
        "evil.example#testserver",
        "testserver/evil",
        "testserver:abc",
        "testserver:80:80",
        "testserver, evil.example",
        "test server",
        "[::1",
        "[::1]x",
        "169.254.169.254",
        "t\xe9stserver",
        "*",
        ".",
        "",
        "a" * 5000,
    )
]
REPLAYS = [
    BadRequest("W32 the same again", signed(), 200, media=PICTURE, again=(signed(), signed())),
    BadRequest(
        "W32 the same again by GET",
        signed(),
        200,
        media=PICTURE,
        again=(signing.signed_get(twilio.MMS_ONE_PICTURE, url=MESSAGING),),
    ),
    BadRequest(
        "W33 the same with another idempotency token",
        signed(I_Twilio_Idempotency_Token="one"),
        200,
        media=PICTURE,
        again=(signed(I_Twilio_Idempotency_Token="two"), signed(I_Twilio_Idempotency_Token="")),
    ),
    BadRequest(
        "W33 the same with its parameters in another order",
        signed(),
        200,
        media=PICTURE,
        again=(signed(sent=ONE_PICTURE[::-1]),),
    ),
]
METHODS = [
    BadRequest(f"W34 {method}", replace(signed(), method=method), 405)
    for method in (
        "HEAD",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "TRACE",
        "CONNECT",
        "PROPFIND",
        "BREW",
        "G\xcbT",
    )
]

CASES: list[BadRequest] = [
    *MISSING,
    *MALFORMED,
    *WRONG,
    *OTHER_URL,
    *OTHER_QUERY,
    *PARAMETERS,
    *BLANKS,
    *ODD_BUT_SIGNED,
    *TOKENS,
    *CHOSEN_KEYS,
    *SHIFTS,
    *BODIES,
    *HOSTS,
    *REPLAYS,
    *METHODS,
]
