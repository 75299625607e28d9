"""The REST resources of an account that `manage.py doctor` reads, as pages of JSON."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from mediapipe.simulator.numbers import MessagingService, PhoneNumber

if TYPE_CHECKING:
    from mediapipe.simulator.state import State

Document = dict[str, Any]

ACCOUNT = re.compile(r"/2010-04-01/Accounts/(?P<account>AC[0-9a-f]{32})\.json")
NUMBERS = re.compile(r"/2010-04-01/Accounts/(?P<account>AC[0-9a-f]{32})/IncomingPhoneNumbers\.json")
SERVICES = "/v1/Services"
SENDERS = re.compile(r"/v1/Services/(?P<service>MG[0-9a-f]{32})/PhoneNumbers")


def is_refused(path: str, username: str) -> bool:
    """Tell whether this is an API key that asks for the account itself (Twilio: API keys)."""
    return username.startswith("SK") and bool(ACCOUNT.fullmatch(path))


def document(state: "State", account_sid: str, target: str) -> Document | None:
    """Return the JSON at this path and query for the account that asks; None where there is none.

    Another account's resources do not exist.
    """
    path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
    for pattern in (ACCOUNT, NUMBERS):
        found = pattern.fullmatch(path)
        if found and found["account"] != account_sid:
            return None
    if ACCOUNT.fullmatch(path):
        return _account(state, account_sid)
    if NUMBERS.fullmatch(path):
        numbers = [number for number in state.numbers if number.account_sid == account_sid]
        return _numbers_page(numbers, path, query)
    services = [service for service in state.services if service.account_sid == account_sid]
    if path == SERVICES:
        return _v1_page(state, "services", [_service(one) for one in services], path, query)
    if found := SENDERS.fullmatch(path):
        senders = [one for s in services if s.sid == found["service"] for one in s.numbers]
        return _v1_page(state, "phone_numbers", [_sender(one) for one in senders], path, query)
    return None


def _account(state: "State", sid: str) -> Document:
    status = state.account_status.get(sid, "active")
    return {"sid": sid, "friendly_name": "Simulated", "status": status, "type": "Full"}


def _numbers_page(
    numbers: Sequence[PhoneNumber], path: str, query: dict[str, list[str]]
) -> Document:
    page, size = _place(query)
    more = len(numbers) > (page + 1) * size
    return {
        "incoming_phone_numbers": [_number(one) for one in numbers[page * size :][:size]],
        "page": page,
        "page_size": size,
        "uri": path,
        "next_page_uri": f"{path}?PageSize={size}&Page={page + 1}" if more else None,
    }


def _v1_page(
    state: "State", key: str, entries: list[Document], path: str, query: dict[str, list[str]]
) -> Document:
    page, size = _place(query)
    url = f"{state.api_origin}{path}"
    more = len(entries) > (page + 1) * size
    following = f"{url}?PageSize={size}&Page={page + 1}" if more else None
    return {
        key: entries[page * size :][:size],
        "meta": {"key": key, "page": page, "page_size": size, "next_page_url": following},
    }


def _place(query: dict[str, list[str]]) -> tuple[int, int]:
    return int(query.get("Page", ["0"])[0]), int(query.get("PageSize", ["50"])[0])


def _number(number: PhoneNumber) -> Document:
    return {
        "sid": number.sid,
        "account_sid": number.account_sid,
        "phone_number": number.number,
        "sms_url": number.sms_url,
        "sms_method": "POST",
        "sms_fallback_url": number.sms_fallback_url,
        "sms_application_sid": number.sms_application_sid,
        "capabilities": {"mms": True, "sms": True, "voice": True, "fax": False},
    }


def _service(service: MessagingService) -> Document:
    return {
        "sid": service.sid,
        "account_sid": service.account_sid,
        "inbound_request_url": service.inbound_request_url,
        "inbound_method": "POST",
        "fallback_url": service.fallback_url,
        "use_inbound_webhook_on_number": service.use_inbound_webhook_on_number,
    }


def _sender(number: PhoneNumber) -> Document:
    return {"sid": number.sid, "phone_number": number.number, "country_code": "US"}
