from __future__ import annotations

from collections.abc import Iterator

from mediapipe.models import RouteKind
from mediapipe.operations.routes.route import ConversationsRoute, Route
from mediapipe.operations.routes.twilio_api import AccessDenied, TwilioApi, get_str
from mediapipe.providers.twilio import resources
from mediapipe.providers.twilio.accounts import Account

CHANNELS = ("whatsapp", "rcs")
# Each service costs another request.
MAX_SERVICES = 500
MAX_CONVERSATION_SERVICES = 20
# Twilio's response for a TwiML application to a restricted API key, or after its deletion.
UNREADABLE = {401, 403, 404}


def api_of(account: Account, **options: float) -> TwilioApi:
    """Return a reader for this account; the options are those of TwilioApi.

    The API key comes last: it may be restricted, while an auth token may read everything.
    """
    return TwilioApi(*reversed(account.credentials()), **options)


def read_numbers(api: TwilioApi, account_sid: str) -> list[Route]:
    """Return the phone numbers and the messaging services; raise ReadError.

    Twilio calls the URL of a number's messaging service if it has one, else that of its TwiML
    application, else the number's own.
    """
    services = list(_services(api))
    own = [service for service in services if not service.defers]
    if len(own) > MAX_SERVICES:
        # Some numbers would be judged by a URL that Twilio does not call.
        raise AccessDenied(f"more than {MAX_SERVICES} messaging services have a URL of their own")
    service_of = {
        get_str(number, "sid"): service
        for service in own
        for number in api.iter_items(resources.senders_url(service.sid), "phone_numbers")
    }
    found = list(api.iter_items(resources.numbers_url(account_sid), "incoming_phone_numbers"))
    used = {get_str(number, "sms_application_sid") for number in found} - {""}
    applications = {sid: _application(api, account_sid, sid) for sid in sorted(used)}
    numbers = [
        Route(
            kind=RouteKind.NUMBER,
            sid=get_str(number, "sid"),
            name=get_str(number, "phone_number"),
            url=get_str(number, "sms_url"),
            method=get_str(number, "sms_method"),
            fallback=get_str(number, "sms_fallback_url"),
            service=service_of.get(get_str(number, "sid")),
            application=applications.get(get_str(number, "sms_application_sid")),
        )
        for number in found
    ]
    return numbers + services


def _services(api: TwilioApi) -> Iterator[Route]:
    for service in api.iter_items(resources.services_url(), "services"):
        yield Route(
            kind=RouteKind.SERVICE,
            sid=get_str(service, "sid"),
            name=get_str(service, "friendly_name"),
            url=get_str(service, "inbound_request_url"),
            method=get_str(service, "inbound_method"),
            fallback=get_str(service, "fallback_url"),
            defers=bool(service.get("use_inbound_webhook_on_number")),
        )


def _application(api: TwilioApi, account_sid: str, sid: str) -> Route:
    response = api.get(resources.application_url(account_sid, sid))
    document = response.document
    if not document and response.status not in UNREADABLE:
        raise AccessDenied(f"TwiML application: HTTP {response.status}")
    return Route(
        # It has no line of its own: it is what its numbers call.
        kind=RouteKind.NUMBER,
        sid=sid,
        name=get_str(document, "friendly_name"),
        url=get_str(document, "sms_url"),
        method=get_str(document, "sms_method"),
        fallback=get_str(document, "sms_fallback_url"),
        is_unread=not document,
    )


def read_senders(api: TwilioApi) -> list[Route]:
    """Return the WhatsApp and RCS senders, whose own URL Twilio calls first; raise ReadError."""
    routes = []
    for channel in CHANNELS:
        for sender in api.iter_items(resources.channel_senders_url(channel), "senders"):
            webhook = sender.get("webhook")
            hook = webhook if isinstance(webhook, dict) else {}
            routes.append(
                Route(
                    kind=RouteKind.SENDER,
                    sid=get_str(sender, "sid"),
                    name=get_str(sender, "sender_id"),
                    url=get_str(hook, "callback_url"),
                    method=get_str(hook, "callback_method"),
                    fallback=get_str(hook, "fallback_url"),
                )
            )
    return routes


def read_conversations(api: TwilioApi, account_sid: str) -> list[ConversationsRoute]:
    """Return the webhooks of Conversations (classic): of the account, and of its services.

    Raises ReadError.
    """
    services = list(api.iter_items(resources.conversation_services_url(), "services"))
    if len(services) > MAX_CONVERSATION_SERVICES:
        api.is_cut_off = True
    sids = [get_str(service, "sid") for service in services[:MAX_CONVERSATION_SERVICES]]
    of_account = _conversations(api, account_sid, resources.conversations_url())
    return [
        of_account,
        *(_conversations(api, sid, resources.conversations_url(sid)) for sid in sids),
    ]


def _conversations(api: TwilioApi, sid: str, url: str) -> ConversationsRoute:
    response = api.get(url)
    document = response.document
    if not document:
        raise AccessDenied(f"Conversations (classic): HTTP {response.status}")
    filters = document.get("filters")
    configured = get_str(document, "post_webhook_url")
    return ConversationsRoute(
        kind=RouteKind.CONVERSATIONS,
        sid=sid,
        name="",
        # With Flex as the target, Twilio ignores the URL.
        url="" if document.get("target") == "flex" else configured,
        method=get_str(document, "method"),
        # A service without a webhook of its own calls the account's.
        defers=sid.startswith("IS") and not configured,
        events=frozenset(map(str, filters)) if isinstance(filters, list) else frozenset(),
        pre_event_url=get_str(document, "pre_webhook_url"),
    )
