from __future__ import annotations

from collections.abc import Iterator

from mediapipe.management.doctor.findings import Finding, ok
from mediapipe.management.doctor.inbound import FAULTS
from mediapipe.management.doctor.issues import Issue
from mediapipe.management.doctor.route_issues import RouteIssue
from mediapipe.models import Verdict
from mediapipe.models.webhook_routes import POINTS_HERE
from mediapipe.operations.routes.reading import api_of, read_conversations
from mediapipe.operations.routes.route import ConversationsRoute
from mediapipe.operations.routes.twilio_api import AccessDenied, Unreachable
from mediapipe.operations.routes.urls import has_our_host
from mediapipe.providers.twilio.accounts import Account, accounts

MESSAGE_ADDED = "onMessageAdded"


def check_conversations() -> Iterator[Finding]:
    """Yield per account whether its webhooks of Conversations (classic) point here."""
    for account in accounts().values():
        try:
            yield from _check_account(account)
        except AccessDenied as error:
            yield RouteIssue.CONVERSATIONS_UNREADABLE.found(f"{account.sid}: {error}")
        except Unreachable as error:
            yield Issue.TWILIO_UNREACHABLE.found(str(error))


def _check_account(account: Account) -> Iterator[Finding]:
    of_account, *of_services = read_conversations(api_of(account), account.sid)
    own = [hook for hook in of_services if not hook.defers]
    hooks = {account.sid: of_account, **{f"{account.sid}, {hook.sid}": hook for hook in own}}
    issues = [issue for where, hook in hooks.items() for issue in _check_hook(where, hook)]
    yield from issues
    here = [where for where, hook in hooks.items() if hook.verdict in POINTS_HERE]
    if of_account.verdict in POINTS_HERE:
        # A service with its own webhook does not call the account's.
        for where, hook in hooks.items():
            if hook.verdict is Verdict.ELSEWHERE:
                yield RouteIssue.CONVERSATIONS_OVERRULED.found(where)
    if here and not issues:
        yield ok("the webhook of Conversations (classic) points here", here[0])
    elif not issues:
        # The API does not reveal whether an account uses Conversations, so this is not an issue.
        yield ok(
            "no webhook of Conversations (classic) points here, which is fine if you do not use it",
            account.sid,
        )


def _check_hook(where: str, hook: ConversationsRoute) -> Iterator[Finding]:
    if has_our_host(hook.pre_event_url):
        yield RouteIssue.CONVERSATIONS_ASK_BEFORE.found(where)
    if not has_our_host(hook.url):
        return
    if issue := FAULTS.get(hook.verdict):
        yield issue.found(f"{where}, Conversations (classic)")
    if MESSAGE_ADDED not in hook.events:
        yield RouteIssue.CONVERSATIONS_EVENT_MISSING.found(where)
