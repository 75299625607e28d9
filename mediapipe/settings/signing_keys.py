import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"
# The length of a key in bytes, according to the Standard Webhooks specification.
MIN_BYTES, MAX_BYTES = 24, 64


def check_secret(secret: str) -> None:
    """Raise ValueError if this is not `whsec_` and 24 to 64 bytes in base64.

    The library would accept any length, and characters that are not base64. The message contains
    no part of the secret.
    """
    if not secret.startswith(PREFIX):
        raise ValueError(f"A secret begins with {PREFIX}.")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        # The original message could quote a part of the secret.
        raise ValueError(f"{PREFIX} must be followed by base64.") from None
    if not MIN_BYTES <= len(key) <= MAX_BYTES:
        raise ValueError(f"A secret has {MIN_BYTES} to {MAX_BYTES} bytes.")


def signed_headers(
    body: bytes, *, message_id: str, at: datetime, secrets: Sequence[str]
) -> dict[str, str]:
    """Return the headers of Standard Webhooks for this body, with one signature per secret.

    `message_id` is the same for every attempt at one message, so that the receiver can recognise
    a duplicate; `at` is the time of this attempt. During a rotation the receiver may know either
    secret.
    """
    # `sign` treats the wall-clock time as UTC, whatever its time zone.
    at = at.astimezone(UTC)
    text = body.decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(
            Webhook(secret).sign(message_id, at, text) for secret in secrets
        ),
    }
