from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mediapipe.management.doctor.api_client import AccessDenied, Unreachable, get_str, iter_items
from mediapipe.management.doctor.findings import Finding, ok
from mediapipe.management.doctor.issues import Issue
from mediapipe.management.doctor.urls import (
    asks_for_retries,
    has_our_host,
    points_here,
    url_issue,
)
from mediapipe.providers.base import Credentials
from mediapipe.providers.twilio import resources
from mediapipe.providers.twilio.accounts import Account, accounts
from mediapipe.redaction import mask_addresses

SOURCE = "messaging"
CHANNELS = ("whatsapp", "rcs")
# Each service costs another request for its numbers.
MAX_SERVICES = 20
# More names than this make a line unreadable.
MAX_NAMES = 3


@dataclass(frozen=True, slots=True)
class InboundRoute:
    """A number, service or channel sender at Twilio, and where it sends inbound messages."""

    name: str
    url: str
    fallback: str
    application: bool = False


def check_numbers() -> Iterator[Finding]:
    """Yield per account where its inbound messages go, compared with PUBLIC_BASE_URL.

    It is an error if none come here. If some do, the others may well be meant for another app.
    """
    for account in accounts().values():
        try:
            yield from _check_account(account)
        except AccessDenied as error:
            yield Issue.NUMBERS_UNREADABLE.found(f"{account.sid}: {error}")
        except Unreachable as error:
            yield Issue.TWILIO_UNREACHABLE.found(str(error))


def _check_account(account: Account) -> Iterator[Finding]:
    credentials = account.credentials()[-1]
    routes = [
        InboundRoute(
            _masked_name(number, "phone_number"),
            get_str(number, "sms_url"),
            get_str(number, "sms_fallback_url"),
            application=bool(number.get("sms_application_sid")),
        )
        for number in iter_items(
            resources.numbers_url(account.sid), credentials, "incoming_phone_numbers"
        )
    ]
    services, overruled = _services(credentials)
    routes += services
    try:
        routes += _channel_senders(credentials)
    except AccessDenied as error:
        # A restricted key may be allowed to list numbers only; still report those.
        yield Issue.SENDERS_UNREADABLE.found(f"{account.sid}: {error}")
    issues: dict[Issue, list[str]] = defaultdict(list)
    here = []
    for route in routes:
        found = list(_route_issues(route, overruled))
        for issue in found:
            issues[issue].append(route.name)
        takes_effect = not route.application and route.name not in overruled
        if takes_effect and points_here(route.url, SOURCE):
            here.append(route.name)
    if here:
        yield ok("messages are sent here", f"{account.sid}: {_shortened(here)}")
    elif not issues:
        yield Issue.WEBHOOK_ELSEWHERE.found(f"{account.sid}: {len(routes)} checked")
    for issue, names in issues.items():
        yield issue.found(f"{account.sid}: {_shortened(names)}")


def _shortened(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more


def _services(credentials: Credentials) -> tuple[list[InboundRoute], set[str]]:
    """Return the messaging services with a webhook of their own, and the names of the numbers
    whose messages these send elsewhere."""
    routes: list[InboundRoute] = []
    overruled: set[str] = set()
    services = list(iter_items(resources.services_url(), credentials, "services"))
    own = [service for service in services if not service.get("use_inbound_webhook_on_number")]
    for service in own[:MAX_SERVICES]:
        sid, url = get_str(service, "sid"), get_str(service, "inbound_request_url")
        fallback = get_str(service, "fallback_url")
        routes.append(InboundRoute(f"messaging service {sid}", url, fallback))
        if not points_here(url, SOURCE):
            numbers = iter_items(resources.senders_url(sid), credentials, "phone_numbers")
            overruled |= {_masked_name(number, "phone_number") for number in numbers}
    return routes, overruled


def _channel_senders(credentials: Credentials) -> list[InboundRoute]:
    """Return the WhatsApp and RCS senders, whose own webhook wins over that of a service."""
    routes = []
    for channel in CHANNELS:
        for sender in iter_items(resources.channel_senders_url(channel), credentials, "senders"):
            webhook = sender.get("webhook")
            hook = webhook if isinstance(webhook, dict) else {}
            name = f"{channel} {_masked_name(sender, 'sender_id')}"
            urls = get_str(hook, "callback_url"), get_str(hook, "fallback_url")
            routes.append(InboundRoute(name, *urls))
    return routes


def _masked_name(item: dict[str, Any], key: str) -> str:
    """Return the masked number with the end of its SID: two numbers may end in the same digits."""
    number = get_str(item, key).removeprefix("whatsapp:")
    return f"{mask_addresses(number)} {get_str(item, 'sid')[-6:]}"


def _route_issues(route: InboundRoute, overruled: set[str]) -> Iterator[Issue]:
    if not has_our_host(route.url):
        return
    if route.application:
        yield Issue.APPLICATION_OVERRULES
    elif issue := url_issue(route.url, SOURCE):
        yield issue
    elif route.name in overruled:
        yield Issue.SERVICE_OVERRULES
    else:
        if not asks_for_retries(route.url):
            yield Issue.WEBHOOK_NOT_REPEATED
        if not points_here(route.fallback, SOURCE):
            yield Issue.FALLBACK_MISSING
