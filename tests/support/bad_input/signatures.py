"""W: requests that do not prove that Twilio sent them, and a few odd ones that do."""

from __future__ import annotations

from dataclasses import replace

from tests.support.bad_input.cases import (
    CONVERSATIONS,
    MESSAGING,
    ONE_PICTURE,
    ORIGIN,
    RECORDING,
    BadRequest,
    changed,
    signed,
)
from tests.support.bad_input.signature_bodies import BODIES
from tests.support.bad_input.signature_cases import (
    GOOD,
    PICTURE,
    PUBLIC,
    PUBLIC_URL,
    forged,
    good,
    to,
    without,
)
from tests.support.bad_input.signature_shifts import SHIFTS
from tests.support.bad_input.signature_tokens import CHOSEN_KEYS, TOKENS
from tests.support.payloads import signing, twilio

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
