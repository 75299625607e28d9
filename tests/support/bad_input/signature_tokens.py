"""W: requests signed with another token, and keys that an attacker chose."""

from __future__ import annotations

from tests.support.bad_input.cases import BadRequest, changed, signed
from tests.support.bad_input.signature_cases import ACCOUNTS, PUBLIC, SETTINGS_HEADER, forged

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
