"""Whether the webhooks of conversations lead here, where anything of them does.

Nothing at Twilio tells whether an account uses conversations, so that no webhook is no trouble.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from mediapipe.management.doctor.api_client import (
    ApiResponse,
    Unreachable,
    Unreadable,
    entries,
    text,
    told,
)
from mediapipe.management.doctor.findings import Finding, fine
from mediapipe.management.doctor.issues import Trouble
from mediapipe.management.doctor.urls import is_our_host, leads_here, wrong_with
from mediapipe.providers.base import Credentials
from mediapipe.providers.twilio import resources
from mediapipe.providers.twilio.accounts import Account, accounts

SOURCE = "conversations"
ADDED = "onMessageAdded"
# Each costs a question of its own.
MOST_SERVICES = 20


@dataclass(frozen=True, slots=True)
class Hook:
    """The webhook of an account or of one of its services: where what happened is told, what is,
    and who is asked before it happens."""

    where: str
    url: str
    events: frozenset[str]
    asked_before: str


def examine() -> Iterator[Finding]:
    """Yield for each account where its conversations are told of."""
    if not settings.PUBLIC_BASE_URL:
        return
    for account in accounts().values():
        try:
            yield from _account(account, account.credentials()[-1])
        except Unreadable as error:
            yield Trouble.CONVERSATIONS_UNREADABLE.found(f"{account.sid}: {error}")
        except Unreachable as error:
            yield Trouble.TWILIO_UNREACHABLE.found(str(error))


def _account(account: Account, credentials: Credentials) -> Iterator[Finding]:
    whole = _hook(account.sid, resources.conversations_url(), credentials)
    own = [hook for hook in _of_services(account.sid, credentials) if hook.url]
    hooks = [whole, *own]
    findings = [finding for hook in hooks for finding in _wrong(hook)]
    yield from findings
    here = [hook for hook in hooks if leads_here(hook.url, SOURCE)]
    if whole in here:
        # A service with a webhook of its own is told of there alone.
        elsewhere = [hook for hook in own if not is_our_host(hook.url)]
        yield from (Trouble.CONVERSATIONS_OVERRULED.found(hook.where) for hook in elsewhere)
    if here and not findings:
        yield fine("messages of conversations are told here", here[0].where)
    elif not findings:
        yield fine(
            "no webhook of conversations leads here, which is right unless you use them",
            account.sid,
        )


def _of_services(account_sid: str, credentials: Credentials) -> Iterator[Hook]:
    services = list(entries(resources.conversation_services_url(), credentials, "services"))
    for entry in services[:MOST_SERVICES]:
        sid = text(entry, "sid")
        yield _hook(f"{account_sid}, {sid}", resources.conversations_url(sid), credentials)


def _hook(where: str, url: str, credentials: Credentials) -> Hook:
    answer: ApiResponse = told(url, credentials)
    document = answer.document
    if not document:
        raise Unreadable(f"webhooks of conversations answer {answer.status}")
    return Hook(
        where,
        # Flex takes what is routed to it, whatever URL stands there.
        "" if document.get("target") == "flex" else text(document, "post_webhook_url"),
        _events(document),
        text(document, "pre_webhook_url"),
    )


def _events(document: dict[str, Any]) -> frozenset[str]:
    filters = document.get("filters")
    return frozenset(map(str, filters)) if isinstance(filters, list) else frozenset()


def _wrong(hook: Hook) -> Iterator[Finding]:
    if is_our_host(hook.asked_before):
        yield Trouble.CONVERSATIONS_ASK_BEFORE.found(hook.where)
    if not is_our_host(hook.url):
        return
    for trouble in wrong_with(hook.url, SOURCE):
        yield trouble.found(f"{hook.where}, conversations")
    if ADDED not in hook.events:
        yield Trouble.CONVERSATIONS_EVENT_MISSING.found(hook.where)
