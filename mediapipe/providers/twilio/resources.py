"""Where Twilio's own account, phone numbers and messaging services are asked for."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from mediapipe.providers.base import Credentials, MediaRequest
from mediapipe.providers.twilio.media import TWILIO_ORIGIN

API = "https://api.twilio.com"
MESSAGING = "https://messaging.twilio.com"
PAGE_SIZE = 50


def api_origin() -> str:
    """Return the origin of the API: the first of TWILIO_API_HOSTS, where there is one."""
    return str(settings.TWILIO_API_HOSTS[0]) if settings.TWILIO_API_HOSTS else API


def messaging_origin() -> str:
    """Return the origin of messaging services; a simulator has everything at its one origin."""
    origin = api_origin()
    return MESSAGING if TWILIO_ORIGIN.fullmatch(origin) else origin


def account_url(account_sid: str) -> str:
    """Return the URL of the account itself, which a standard API key may not read."""
    return f"{api_origin()}/2010-04-01/Accounts/{account_sid}.json"


def numbers_url(account_sid: str) -> str:
    """Return the URL of the first page of an account's phone numbers."""
    query = f"?PageSize={PAGE_SIZE}"
    return f"{api_origin()}/2010-04-01/Accounts/{account_sid}/IncomingPhoneNumbers.json{query}"


def services_url() -> str:
    """Return the URL of the first page of the messaging services of whose credentials ask."""
    return f"{messaging_origin()}/v1/Services?PageSize={PAGE_SIZE}"


def senders_url(service_sid: str) -> str:
    """Return the URL of the first page of a messaging service's phone numbers."""
    return f"{messaging_origin()}/v1/Services/{service_sid}/PhoneNumbers?PageSize={PAGE_SIZE}"


def next_page(document: Mapping[str, Any]) -> str:
    """Return the URL of the page after this one, "" if it is the last or leads elsewhere."""
    meta = document.get("meta")
    if isinstance(meta, dict):
        url, origin = meta.get("next_page_url"), messaging_origin()
        return url if isinstance(url, str) and url.startswith(f"{origin}/v1/") else ""
    path = document.get("next_page_uri")
    return api_origin() + path if isinstance(path, str) and path.startswith("/2010-04-01/") else ""


def request(url: str, credentials: Credentials) -> MediaRequest:
    """Return how such a URL is asked for: with these credentials, following nothing."""
    return MediaRequest(url, (credentials,), may_redirect_to=lambda _: False)
