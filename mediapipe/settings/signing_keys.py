"""Signatures under what we send, as the Standard Webhooks specification (v1) describes them."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
# What the specification asks of a secret, in bytes.
SHORTEST, LONGEST = 24, 64


def key_of(secret: str) -> bytes:
    """Return the key of a secret, which is written `whsec_` and base64; else raise ValueError."""
    if not secret.startswith(PREFIX):
        raise ValueError(f"A secret begins with {PREFIX}.")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        # The original error could show a piece of the secret.
        raise ValueError(f"After {PREFIX} follows base64.") from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"A secret has {SHORTEST} to {LONGEST} bytes.")
    return key


def signed_headers(
    body: bytes, *, message_id: str, at: datetime, secrets: Sequence[str]
) -> dict[str, str]:
    """Return the headers that prove who sent this body, and when.

    `message_id` is the same for every attempt at one message, so that the receiver can tell a
    repetition; `at` is the time of this attempt. There is a signature for each secret: while one
    is replaced by another the receiver may know either.
    """
    timestamp = str(int(at.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(signed, key_of(secret)) for secret in secrets),
    }


def _signature(signed: bytes, key: bytes) -> str:
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
