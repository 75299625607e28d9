"""W: JSON bodies, and the signed hash that covers them."""

from __future__ import annotations

from dataclasses import replace

from mediapipe.providers.base import WebhookRequest
from tests.support.bad_input.cases import MESSAGING, ONE_PICTURE, encoded, signed
from tests.support.bad_input.signature_cases import GOOD, forged
from tests.support.payloads import signing, twilio

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
