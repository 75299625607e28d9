"""Whether the phone numbers and messaging services at Twilio send their messages here.

Where none does it is wrong; where one does, the others may well be somebody else's business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from django.conf import settings

from mediapipe.doctor.asking import Told, Unanswered, listed
from mediapipe.doctor.findings import Finding, fine
from mediapipe.doctor.public_url import SOURCES, url_of
from mediapipe.doctor.troubles import Trouble
from mediapipe.numbers import masked
from mediapipe.providers.base import Credentials
from mediapipe.providers.twilio import resources
from mediapipe.providers.twilio.accounts import Account, accounts

# So many services are asked for their numbers, and so many places are named in a line.
MOST_SERVICES = 20
NAMED = 3
PORTS = {"http": 80, "https": 443}
# After these Twilio is to send a webhook again; "all" is both and more.
REPEAT_AFTER = {"rt", "5xx"}


@dataclass(frozen=True, slots=True)
class Sender:
    """A phone number or a messaging service, and where it sends the messages that come in."""

    name: str
    url: str
    fallback: str
    application: bool = False


class Unreadable(Exception):
    """Twilio gives no list to these credentials; the message says what it answered."""


def examine() -> Iterator[Finding]:
    """Yield for each account what is configured at Twilio, compared with PUBLIC_BASE_URL."""
    if not settings.PUBLIC_BASE_URL:
        return
    for account in accounts().values():
        try:
            yield from _account(account)
        except Unreadable as error:
            yield Trouble.NUMBERS_UNREADABLE.found(f"{account.sid}: {error}")
        except Unanswered as error:
            yield Trouble.TWILIO_UNREACHABLE.found(str(error))


def _account(account: Account) -> Iterator[Finding]:
    credentials = account.credentials()[-1]
    numbers = _numbers(account, credentials)
    services, overruled = _services(account, credentials)
    troubles: dict[Trouble, list[str]] = defaultdict(list)
    for number in numbers:
        for trouble in _troubles(number, overruled):
            troubles[trouble].append(number.name)
    for service in services:
        for trouble in _troubles(service, set()):
            troubles[trouble].append(service.name)
    here = [sender for sender in (*numbers, *services) if _leads_here(sender, overruled)]
    if here:
        yield fine("messages are sent here", f"{account.sid}: {_names([s.name for s in here])}")
    elif not troubles:
        yield Trouble.WEBHOOK_ELSEWHERE.found(account.sid, what=_none_of(numbers, services))
    for trouble, names in troubles.items():
        yield trouble.found(f"{account.sid}: {_names(names)}")


def _none_of(numbers: list[Sender], services: list[Sender]) -> str:
    return (
        f"none of {len(numbers)} phone numbers and {len(services)} messaging services "
        "sends its messages here"
    )


def _names(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _numbers(account: Account, credentials: Credentials) -> list[Sender]:
    url = resources.numbers_url(account.sid)
    return [
        Sender(
            _number(entry),
            _text(entry, "sms_url"),
            _text(entry, "sms_fallback_url"),
            application=bool(entry.get("sms_application_sid")),
        )
        for entry in _entries(url, credentials, "incoming_phone_numbers")
    ]


def _services(account: Account, credentials: Credentials) -> tuple[list[Sender], set[str]]:
    """Return the services that decide themselves, and the numbers whose messages they redirect."""
    found: list[Sender] = []
    overruled: set[str] = set()
    entries = list(_entries(resources.services_url(), credentials, "services"))
    own = [entry for entry in entries if not entry.get("use_inbound_webhook_on_number")]
    for entry in own[:MOST_SERVICES]:
        name = f"messaging service {_text(entry, 'sid')}"
        service = Sender(name, _text(entry, "inbound_request_url"), _text(entry, "fallback_url"))
        found.append(service)
        if not _is_here(service.url):
            senders = resources.senders_url(_text(entry, "sid"))
            overruled |= {_number(one) for one in _entries(senders, credentials, "phone_numbers")}
    return found, overruled


def _entries(url: str, credentials: Credentials, key: str) -> Iterator[dict[str, Any]]:
    for entry in listed(url, credentials, key):
        if isinstance(entry, Told):
            raise Unreadable(f"{key} answer {entry.status}")
        yield entry


def _number(entry: dict[str, Any]) -> str:
    """Return the masked number with the end of its SID: two numbers may end in the same digits."""
    return f"{masked(_text(entry, 'phone_number'))} {_text(entry, 'sid')[-6:]}"


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _troubles(sender: Sender, overruled: set[str]) -> Iterator[Trouble]:
    """Yield what is wrong with a sender that is meant for us, by its URL."""
    if not _is_our_host(sender.url):
        return
    if sender.application:
        yield Trouble.APPLICATION_OVERRULES
    elif not _is_our_origin(sender.url):
        yield Trouble.WEBHOOK_ORIGIN_DIFFERS
    elif not _is_here(sender.url):
        yield _wrong_path(sender.url)
    elif sender.name in overruled:
        yield Trouble.SERVICE_OVERRULES
    else:
        if not _is_repeated(sender.url):
            yield Trouble.WEBHOOK_NOT_REPEATED
        if not _is_here(sender.fallback):
            yield Trouble.FALLBACK_MISSING


def _leads_here(sender: Sender, overruled: set[str]) -> bool:
    return _is_here(sender.url) and not sender.application and sender.name not in overruled


def _wrong_path(url: str) -> Trouble:
    ours = {_path(url_of(source)) for source in SOURCES}
    return Trouble.WEBHOOK_WRONG_KIND if _path(url) in ours else Trouble.WEBHOOK_PATH_WRONG


def _is_here(url: str) -> bool:
    return _is_our_origin(url) and _path(url) == _path(url_of("messaging"))


def _is_our_host(url: str) -> bool:
    return _split(url).hostname == _split(settings.PUBLIC_BASE_URL).hostname


def _is_our_origin(url: str) -> bool:
    return _origin(url) == _origin(settings.PUBLIC_BASE_URL)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = _split(url)
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)


def _path(url: str) -> str:
    return _split(url).path


def _split(url: str) -> SplitResult:
    """Return the parts of a URL; what is none has none."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return urlsplit("")
    return parts


def _is_repeated(url: str) -> bool:
    """Tell whether the fragment tells Twilio to repeat (Twilio: webhook connection overrides)."""
    options = parse_qs(_split(url).fragment)
    times, after = options.get("rc", ["1"])[0], set(",".join(options.get("rp", [])).split(","))
    return times != "0" and ("all" in after or after >= REPEAT_AFTER)
