from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mediapipe.management.doctor import api_client
from mediapipe.management.doctor.api_client import AccessDenied, Unreachable, get_str, iter_items
from mediapipe.management.doctor.findings import Finding, ok
from mediapipe.management.doctor.issues import Issue
from mediapipe.management.doctor.urls import has_our_host, points_here, url_issue
from mediapipe.providers.base import Credentials
from mediapipe.providers.twilio import resources
from mediapipe.providers.twilio.accounts import Account, accounts

SOURCE = "conversations"
MESSAGE_ADDED = "onMessageAdded"
# Each service costs another request.
MAX_SERVICES = 20


@dataclass(frozen=True, slots=True)
class ConversationsHook:
    """The webhook of an account, or of one of its conversation services.

    Twilio calls `url` after the `events`, and `pre_event_url` before them.
    """

    where: str
    url: str
    events: frozenset[str]
    pre_event_url: str


def check_conversations() -> Iterator[Finding]:
    """Yield per account whether its webhooks of Conversations (classic) point here."""
    for account in accounts().values():
        try:
            yield from _check_account(account, account.credentials()[-1])
        except AccessDenied as error:
            yield Issue.CONVERSATIONS_UNREADABLE.found(f"{account.sid}: {error}")
        except Unreachable as error:
            yield Issue.TWILIO_UNREACHABLE.found(str(error))


def _check_account(account: Account, credentials: Credentials) -> Iterator[Finding]:
    of_account = _fetch_hook(account.sid, resources.conversations_url(), credentials)
    services = list(iter_items(resources.conversation_services_url(), credentials, "services"))
    sids = [get_str(service, "sid") for service in services[:MAX_SERVICES]]
    of_services = [
        _fetch_hook(f"{account.sid}, {sid}", resources.conversations_url(sid), credentials)
        for sid in sids
    ]
    own = [hook for hook in of_services if hook.url]
    hooks = [of_account, *own]
    issues = [finding for hook in hooks for finding in _check_hook(hook)]
    yield from issues
    here = [hook for hook in hooks if points_here(hook.url, SOURCE)]
    if of_account in here:
        # A service with its own webhook does not call the account's.
        elsewhere = [hook for hook in own if not has_our_host(hook.url)]
        yield from (Issue.CONVERSATIONS_OVERRULED.found(hook.where) for hook in elsewhere)
    if here and not issues:
        yield ok("the webhook of Conversations (classic) points here", here[0].where)
    elif not issues:
        # The API does not reveal whether an account uses it, so this is no issue.
        yield ok("no webhook of Conversations (classic) points here; fine if not used", account.sid)


def _fetch_hook(where: str, url: str, credentials: Credentials) -> ConversationsHook:
    response = api_client.get(url, credentials)
    document = response.document
    if not document:
        raise AccessDenied(f"Conversations (classic): HTTP {response.status}")
    filters = document.get("filters")
    return ConversationsHook(
        where,
        # With Flex as the target, Twilio ignores the URL.
        "" if document.get("target") == "flex" else get_str(document, "post_webhook_url"),
        frozenset(map(str, filters)) if isinstance(filters, list) else frozenset(),
        get_str(document, "pre_webhook_url"),
    )


def _check_hook(hook: ConversationsHook) -> Iterator[Finding]:
    if has_our_host(hook.pre_event_url):
        yield Issue.CONVERSATIONS_ASK_BEFORE.found(hook.where)
    if not has_our_host(hook.url):
        return
    if issue := url_issue(hook.url, SOURCE):
        yield issue.found(f"{hook.where}, Conversations (classic)")
    if MESSAGE_ADDED not in hook.events:
        yield Issue.CONVERSATIONS_EVENT_MISSING.found(hook.where)
