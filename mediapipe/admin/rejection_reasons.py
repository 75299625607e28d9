"""What the reasons of rejected webhooks mean, and what to do."""

FORGED = "Forged, or a proxy drops the header."
UNREADABLE = "Twilio signed it, but it lacks what this URL needs: check which webhook uses the URL."
NO_SID = "Twilio signed it, but a SID in it is malformed."
TOO_LARGE = "Twilio sends nothing of this size."

MEANINGS = {
    "signature_missing": f"No X-Twilio-Signature header. {FORGED}",
    "signature_malformed": "The header cannot be a Twilio signature. Forged.",
    "signature_wrong": (
        "The signature does not match URL, parameters and token. Compare PUBLIC_BASE_URL and the "
        "auth token with Twilio's; manage.py doctor finds out which."
    ),
    "signature_settings": "Signed with a key or algorithm that is not configured here.",
    "account_unknown": "The account is not configured here, for example a subaccount. Add it.",
    "account_sid": "The AccountSid is missing or given twice. Forged, or a product not supported.",
    "token_missing": "The account has an API key only, which verifies no signature. Add its token.",
    "body_hash": "A JSON body without its hash in the URL. Forged, or a product not supported.",
    "body_too_large": TOO_LARGE,
    "head_too_large": TOO_LARGE,
    "too_many_parameters": TOO_LARGE,
    "host_not_allowed": "Sent to a host name that is not ours. Set PUBLIC_BASE_URL.",
    "loop": "Passed on by a mediapipe. An entry of GATEWAY_FILE there leads here, not to an app.",
    "source": "No webhook has this URL. Compare it with docs/webhooks.md.",
    "wrong_url": "A message at the URL of recordings, or the reverse. Swap the URLs at Twilio.",
    "message_sid": UNREADABLE,
    "recording_sid": UNREADABLE,
    "event_type": UNREADABLE,
    "call_sid": NO_SID,
    "conference_sid": NO_SID,
    "conversation_sid": NO_SID,
    "chat_service_sid": NO_SID,
    "ambiguous": "A parameter is given twice with different values. Forged.",
    "content_type": "The body is neither a form nor JSON. Something between changes it.",
    "invalid_utf8": "The request is not valid UTF-8. Something between changes it.",
    "json": "The body is not a JSON object. Something between changes it.",
    "body_broken": "The connection ended within the body. Twilio sends it again.",
    "content_length": "The header Content-Length is not a number. Something between changes it.",
}
