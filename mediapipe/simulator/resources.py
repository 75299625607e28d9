import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from mediapipe.simulator.numbers import (
    ChannelSender,
    ConversationsWebhook,
    MessagingService,
    PhoneNumber,
    TwimlApplication,
)

if TYPE_CHECKING:
    from mediapipe.simulator.state import State

Document = dict[str, Any]

ACCOUNT = re.compile(r"/2010-04-01/Accounts/(?P<account>AC[0-9a-f]{32})\.json")
NUMBERS = re.compile(r"/2010-04-01/Accounts/(?P<account>AC[0-9a-f]{32})/IncomingPhoneNumbers\.json")
APPLICATION = re.compile(
    r"/2010-04-01/Accounts/(?P<account>AC[0-9a-f]{32})/Applications/(?P<sid>AP[0-9a-f]{32})\.json"
)
SERVICES = "/v1/Services"
SENDERS = re.compile(r"/v1/Services/(?P<service>MG[0-9a-f]{32})/PhoneNumbers")
CHANNEL_SENDERS = "/v2/Channels/Senders"
# conversations.twilio.com, with a prefix because messaging.twilio.com has the same path.
CONVERSATION_SERVICES = "/conversations/v1/Services"
CONVERSATIONS = re.compile(
    r"/conversations/v1(?:/Services/(?P<service>IS[0-9a-f]{32}))?/Configuration/Webhooks"
)


def is_refused(path: str, username: str) -> bool:
    """Return whether an API key requests the account itself (Twilio docs: API keys)."""
    return username.startswith("SK") and bool(ACCOUNT.fullmatch(path))


def document(state: "State", account_sid: str, target: str) -> Document | None:
    """Return the JSON at this path and query; None if missing, or of another account."""
    path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
    for pattern in (ACCOUNT, NUMBERS, APPLICATION):
        found = pattern.fullmatch(path)
        if found and found["account"] != account_sid:
            return None
    if ACCOUNT.fullmatch(path):
        status = state.account_status.get(account_sid, "active")
        return {
            "sid": account_sid,
            "friendly_name": "Simulated",
            "status": status,
            "type": "Full",
        }
    if NUMBERS.fullmatch(path):
        numbers = [number for number in state.numbers if number.account_sid == account_sid]
        return _numbers_page(numbers, path, query)
    if found := APPLICATION.fullmatch(path):
        mine = [one for one in state.applications if one.account_sid == account_sid]
        return next((_application(one) for one in mine if one.sid == found["sid"]), None)
    services = [service for service in state.services if service.account_sid == account_sid]
    if path == SERVICES:
        return _page(state, "services", [_service(one) for one in services], path, query)
    if found := SENDERS.fullmatch(path):
        senders = [
            {"sid": number.sid, "phone_number": number.number, "country_code": "US"}
            for service in services
            if service.sid == found["service"]
            for number in service.numbers
        ]
        return _page(state, "phone_numbers", senders, path, query)
    if path == CHANNEL_SENDERS:
        channel = query.get("Channel", [""])[0]
        senders_here = [one for one in state.senders if one.account_sid == account_sid]
        of_channel = [_channel_sender(one) for one in senders_here if one.channel == channel]
        return _page(state, "senders", of_channel, path, query)
    return _conversations_document(state, account_sid, path, query)


def _conversations_document(
    state: "State", account_sid: str, path: str, query: dict[str, list[str]]
) -> Document | None:
    mine = [hook for hook in state.conversations if hook.account_sid == account_sid]
    if path == CONVERSATION_SERVICES:
        services = [{"sid": hook.service_sid} for hook in mine if hook.service_sid]
        return _page(state, "services", services, path, query)
    found = CONVERSATIONS.fullmatch(path)
    if found is None:
        return None
    service = found["service"] or ""
    hooks = [hook for hook in mine if hook.service_sid == service]
    if hooks:
        return _conversations_webhook(hooks[0])
    # An account always has a webhook resource, possibly empty; a service must exist.
    return None if service else _conversations_webhook(ConversationsWebhook())


def _numbers_page(
    numbers: Sequence[PhoneNumber], path: str, query: dict[str, list[str]]
) -> Document:
    page, size = _page_and_size(query)
    more = len(numbers) > (page + 1) * size
    return {
        "incoming_phone_numbers": [_number(one) for one in numbers[page * size :][:size]],
        "page": page,
        "page_size": size,
        "uri": path,
        "next_page_uri": f"{path}?PageSize={size}&Page={page + 1}" if more else None,
    }


def _page(
    state: "State", key: str, entries: list[Document], path: str, query: dict[str, list[str]]
) -> Document:
    page, size = _page_and_size(query)
    url = f"{state.api_origin}{path}"
    more = len(entries) > (page + 1) * size
    channel = f"&Channel={query['Channel'][0]}" if "Channel" in query else ""
    following = f"{url}?PageSize={size}&Page={page + 1}{channel}" if more else None
    return {
        key: entries[page * size :][:size],
        "meta": {"key": key, "page": page, "page_size": size, "next_page_url": following},
    }


def _page_and_size(query: dict[str, list[str]]) -> tuple[int, int]:
    return int(query.get("Page", ["0"])[0]), int(query.get("PageSize", ["50"])[0])


def _number(number: PhoneNumber) -> Document:
    return {
        "sid": number.sid,
        "account_sid": number.account_sid,
        "phone_number": number.number,
        "sms_url": number.sms_url,
        "sms_method": number.sms_method,
        "sms_fallback_url": number.sms_fallback_url,
        "sms_application_sid": number.sms_application_sid,
        "capabilities": {"mms": True, "sms": True, "voice": True, "fax": False},
    }


def _application(application: TwimlApplication) -> Document:
    return {
        "sid": application.sid,
        "account_sid": application.account_sid,
        "friendly_name": "Simulated",
        "sms_url": application.sms_url,
        "sms_method": application.sms_method,
        "sms_fallback_url": application.sms_fallback_url,
        "voice_url": None,
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


def _channel_sender(sender: ChannelSender) -> Document:
    return {
        "sid": sender.sid,
        "status": "ONLINE",
        "sender_id": sender.sender_id,
        "webhook": {
            "callback_url": sender.callback_url,
            "callback_method": "POST",
            "fallback_url": sender.fallback_url,
            "fallback_method": "POST",
        },
    }


def _conversations_webhook(hook: ConversationsWebhook) -> Document:
    return {
        "account_sid": hook.account_sid,
        "post_webhook_url": hook.post_webhook_url,
        "pre_webhook_url": hook.pre_webhook_url,
        "filters": hook.filters,
        "method": "POST",
        # Only the account's webhook has a target (Twilio's OpenAPI description).
        **({} if hook.service_sid else {"target": hook.target}),
        **({"chat_service_sid": hook.service_sid} if hook.service_sid else {}),
    }
