from collections.abc import Mapping
from typing import Any

from django.conf import settings

from mediapipe.providers.base import Credentials, MediaRequest
from mediapipe.providers.twilio.media import TWILIO_ORIGIN

API = "https://api.twilio.com"
MESSAGING = "https://messaging.twilio.com"
CONVERSATIONS = "https://conversations.twilio.com"
PAGE_SIZE = 100


def api_origin() -> str:
    """Return the origin of the API: the first of TWILIO_API_HOSTS, if there is one."""
    return str(settings.TWILIO_API_HOSTS[0]) if settings.TWILIO_API_HOSTS else API


def messaging_origin() -> str:
    """Return the origin of messaging services; a simulator serves everything at one origin."""
    origin = api_origin()
    return MESSAGING if TWILIO_ORIGIN.fullmatch(origin) else origin


def conversations_root() -> str:
    """Return the base URL of Conversations (classic).

    Some of its paths equal those of messaging, so a simulator serves them below /conversations.
    """
    origin = api_origin()
    return CONVERSATIONS if TWILIO_ORIGIN.fullmatch(origin) else f"{origin}/conversations"


def account_url(account_sid: str) -> str:
    """Return the URL of the account, which a standard API key may not read."""
    return f"{api_origin()}/2010-04-01/Accounts/{account_sid}.json"


def numbers_url(account_sid: str) -> str:
    """Return the URL of the first page of an account's phone numbers."""
    query = f"?PageSize={PAGE_SIZE}"
    return f"{api_origin()}/2010-04-01/Accounts/{account_sid}/IncomingPhoneNumbers.json{query}"


def application_url(account_sid: str, sid: str) -> str:
    """Return the URL of a TwiML application of this account."""
    return f"{api_origin()}/2010-04-01/Accounts/{account_sid}/Applications/{sid}.json"


def services_url() -> str:
    """Return the URL of the first page of the requesting account's messaging services."""
    return f"{messaging_origin()}/v1/Services?PageSize={PAGE_SIZE}"


def senders_url(service_sid: str) -> str:
    """Return the URL of the first page of a messaging service's phone numbers."""
    return f"{messaging_origin()}/v1/Services/{service_sid}/PhoneNumbers?PageSize={PAGE_SIZE}"


def channel_senders_url(channel: str) -> str:
    """Return the URL of the first page of the senders of a channel, `whatsapp` or `rcs`."""
    return f"{messaging_origin()}/v2/Channels/Senders?Channel={channel}&PageSize={PAGE_SIZE}"


def conversation_services_url() -> str:
    """Return the URL of the first page of the conversation services."""
    return f"{conversations_root()}/v1/Services?PageSize={PAGE_SIZE}"


def conversations_url(service_sid: str = "") -> str:
    """Return the URL of the webhook settings of a conversation service, or of the account."""
    service = f"/Services/{service_sid}" if service_sid else ""
    return f"{conversations_root()}/v1{service}/Configuration/Webhooks"


def next_page(requested: str, document: Mapping[str, Any]) -> str:
    """Return the URL of the page after the requested one, or "" if that was the last.

    Also "" for a URL of another list: it comes from a response and would receive credentials.
    """
    meta = document.get("meta")
    if isinstance(meta, dict):
        url, this = meta.get("next_page_url"), requested.partition("?")[0]
        return url if isinstance(url, str) and url.startswith(f"{this}?") else ""
    path = document.get("next_page_uri")
    return api_origin() + path if isinstance(path, str) and path.startswith("/2010-04-01/") else ""


def request(url: str, *credentials: Credentials) -> MediaRequest:
    """Return the request for one of these URLs; it follows no redirect."""
    return MediaRequest(url, credentials, may_redirect_to=lambda _: False)
