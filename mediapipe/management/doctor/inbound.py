"""Whether phone numbers, messaging services and channel senders at Twilio send their messages here.

Where none does it is wrong; where one does, the others may well be somebody else's business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from mediapipe.management.doctor.api_client import Unreachable, Unreadable, entries, text
from mediapipe.management.doctor.findings import Finding, fine
from mediapipe.management.doctor.issues import Trouble
from mediapipe.management.doctor.urls import is_our_host, is_repeated, leads_here, wrong_with
from mediapipe.providers.base import Credentials
from mediapipe.providers.twilio import resources
from mediapipe.providers.twilio.accounts import Account, accounts
from mediapipe.redaction import masked

SOURCE = "messaging"
CHANNELS = ("whatsapp", "rcs")
# So many services are asked for their numbers, and so many places are named in a line.
MOST_SERVICES = 20
NAMED = 3


@dataclass(frozen=True, slots=True)
class Sender:
    """What receives messages at Twilio, and where it sends those that come in."""

    name: str
    url: str
    fallback: str
    application: bool = False


def examine() -> Iterator[Finding]:
    """Yield for each account what is configured at Twilio, compared with PUBLIC_BASE_URL."""
    if not settings.PUBLIC_BASE_URL:
        return
    for account in accounts().values():
        try:
            yield from _account(account)
        except Unreadable as error:
            yield Trouble.NUMBERS_UNREADABLE.found(f"{account.sid}: {error}")
        except Unreachable as error:
            yield Trouble.TWILIO_UNREACHABLE.found(str(error))


def _account(account: Account) -> Iterator[Finding]:
    credentials = account.credentials()[-1]
    senders = _numbers(account, credentials)
    services, overruled = _services(credentials)
    senders += services
    try:
        senders += _of_channels(credentials)
    except Unreadable as error:
        # A restricted key may read numbers alone, and what those tell is worth something.
        yield Trouble.SENDERS_UNREADABLE.found(f"{account.sid}: {error}")
    yield from _judged(account.sid, senders, overruled)


def _judged(account_sid: str, senders: list[Sender], overruled: set[str]) -> Iterator[Finding]:
    troubles: dict[Trouble, list[str]] = defaultdict(list)
    for sender in senders:
        for trouble in _troubles(sender, overruled):
            troubles[trouble].append(sender.name)
    here = [sender.name for sender in senders if _leads_here(sender, overruled)]
    if here:
        yield fine("messages are sent here", f"{account_sid}: {_names(here)}")
    elif not troubles:
        yield Trouble.WEBHOOK_ELSEWHERE.found(f"{account_sid}: {len(senders)} looked at")
    for trouble, names in troubles.items():
        yield trouble.found(f"{account_sid}: {_names(names)}")


def _names(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _numbers(account: Account, credentials: Credentials) -> list[Sender]:
    url = resources.numbers_url(account.sid)
    return [
        Sender(
            _named(entry, "phone_number"),
            text(entry, "sms_url"),
            text(entry, "sms_fallback_url"),
            application=bool(entry.get("sms_application_sid")),
        )
        for entry in entries(url, credentials, "incoming_phone_numbers")
    ]


def _services(credentials: Credentials) -> tuple[list[Sender], set[str]]:
    """Return the services that decide themselves, and the numbers whose messages they redirect."""
    found: list[Sender] = []
    overruled: set[str] = set()
    services = list(entries(resources.services_url(), credentials, "services"))
    own = [entry for entry in services if not entry.get("use_inbound_webhook_on_number")]
    for entry in own[:MOST_SERVICES]:
        sid = text(entry, "sid")
        url = text(entry, "inbound_request_url")
        found.append(Sender(f"messaging service {sid}", url, text(entry, "fallback_url")))
        if not leads_here(url, SOURCE):
            numbers = entries(resources.senders_url(sid), credentials, "phone_numbers")
            overruled |= {_named(one, "phone_number") for one in numbers}
    return found, overruled


def _of_channels(credentials: Credentials) -> list[Sender]:
    """Return the senders of WhatsApp and RCS, whose own webhook wins over that of a service."""
    found = []
    for channel in CHANNELS:
        for entry in entries(resources.channel_senders_url(channel), credentials, "senders"):
            webhook = entry.get("webhook")
            hook = webhook if isinstance(webhook, dict) else {}
            name = f"{channel} {_named(entry, 'sender_id')}"
            found.append(Sender(name, text(hook, "callback_url"), text(hook, "fallback_url")))
    return found


def _named(entry: dict[str, Any], key: str) -> str:
    """Return the masked number with the end of its SID: two numbers may end in the same digits."""
    number = text(entry, key).removeprefix("whatsapp:")
    return f"{masked(number)} {text(entry, 'sid')[-6:]}"


def _troubles(sender: Sender, overruled: set[str]) -> Iterator[Trouble]:
    """Yield what is wrong with a sender that is meant for us, by its URL."""
    if not is_our_host(sender.url):
        return
    if sender.application:
        yield Trouble.APPLICATION_OVERRULES
    elif not leads_here(sender.url, SOURCE):
        yield from wrong_with(sender.url, SOURCE)
    elif sender.name in overruled:
        yield Trouble.SERVICE_OVERRULES
    else:
        if not is_repeated(sender.url):
            yield Trouble.WEBHOOK_NOT_REPEATED
        if not leads_here(sender.fallback, SOURCE):
            yield Trouble.FALLBACK_MISSING


def _leads_here(sender: Sender, overruled: set[str]) -> bool:
    here = leads_here(sender.url, SOURCE)
    return here and not sender.application and sender.name not in overruled
