"""The `Provider` for Twilio: the package is registered, and its functions are the methods."""

from mediapipe.providers.twilio.accounts import account_name, account_sids, post_store_policy
from mediapipe.providers.twilio.conversations import pre_hook_reply
from mediapipe.providers.twilio.media import (
    classify,
    deletion_request,
    error_code,
    is_own_host,
    media_request,
)
from mediapipe.providers.twilio.metadata import metadata_request, not_found_cause
from mediapipe.providers.twilio.signature import verify
from mediapipe.providers.twilio.webhooks import PARSERS, parse, reply

name = "twilio"
label = "Twilio"
sources = tuple(PARSERS)

__all__ = [
    "account_name",
    "account_sids",
    "classify",
    "deletion_request",
    "error_code",
    "is_own_host",
    "label",
    "media_request",
    "metadata_request",
    "name",
    "not_found_cause",
    "parse",
    "post_store_policy",
    "pre_hook_reply",
    "reply",
    "sources",
    "verify",
]
