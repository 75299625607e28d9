from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mediapipe.management.doctor.findings import Finding, RouteLine, ok
from mediapipe.management.doctor.issues import Issue
from mediapipe.management.doctor.route_issues import RouteIssue
from mediapipe.models import RouteKind, Verdict
from mediapipe.models.webhook_routes import POINTS_HERE
from mediapipe.operations.routes.reading import api_of, read_numbers, read_senders
from mediapipe.operations.routes.route import Route
from mediapipe.operations.routes.twilio_api import AccessDenied, Unreachable
from mediapipe.operations.routes.urls import asks_for_retries, has_our_host, points_here
from mediapipe.providers.twilio.accounts import Account, accounts
from mediapipe.redaction import mask_addresses, strip_url_secrets

FAULTS = {
    Verdict.WRONG_ORIGIN: RouteIssue.WEBHOOK_ORIGIN_DIFFERS,
    Verdict.WRONG_PATH: RouteIssue.WEBHOOK_PATH_WRONG,
    Verdict.WRONG_KIND: RouteIssue.WEBHOOK_WRONG_KIND,
    Verdict.HERE_BY_GET: RouteIssue.WEBHOOK_BY_GET,
}


def check_numbers() -> Iterator[Finding]:
    """Yield per account where its inbound messages go, compared with PUBLIC_BASE_URL.

    It is an error if none come here. If some do, the others may be meant for another app.
    """
    for account in accounts().values():
        try:
            yield from _check_account(account)
        except AccessDenied as error:
            yield RouteIssue.NUMBERS_UNREADABLE.found(f"{account.sid}: {error}")
        except Unreachable as error:
            yield Issue.TWILIO_UNREACHABLE.found(str(error))


def _check_account(account: Account) -> Iterator[Finding]:
    api = api_of(account)
    routes = read_numbers(api, account.sid)
    try:
        routes += read_senders(api)
    except AccessDenied as error:
        # A restricted key may be allowed to list numbers only; still report those.
        yield RouteIssue.SENDERS_UNREADABLE.found(f"{account.sid}: {error}")
    issues: dict[RouteIssue, list[Route]] = defaultdict(list)
    for route in routes:
        for issue in _route_issues(route):
            issues[issue].append(route)
    found = list(_compared(account.sid, routes, issues))
    # The table of all routes follows the last finding.
    yield from found[:-1]
    yield replace(found[-1], routes=tuple(map(_line, routes)))


def _compared(
    account_sid: str, routes: list[Route], issues: dict[RouteIssue, list[Route]]
) -> Iterator[Finding]:
    here = [route for route in routes if route.verdict in POINTS_HERE]
    known = issues[RouteIssue.SERVICE_OVERRULES] + issues[RouteIssue.APPLICATION_OVERRULES]
    others = [one for one in routes if one.verdict is Verdict.ELSEWHERE and one not in known]
    if here:
        yield _named(ok("messages are sent here"), account_sid, here)
        if others:
            yield _named(RouteIssue.SOME_ELSEWHERE.found(), account_sid, others)
    elif not any(issues.values()):
        yield RouteIssue.WEBHOOK_ELSEWHERE.found(f"{account_sid}: {len(routes)} checked")
    for issue, affected in issues.items():
        if affected:
            yield _named(issue.found(), account_sid, affected)


def _named(finding: Finding, account_sid: str, routes: Iterable[Route]) -> Finding:
    masked, full = (
        f"{account_sid}: {', '.join(name(route) for route in routes)}"
        for name in (_masked_name, _full_name)
    )
    return replace(finding, where=masked, full=full)


def _line(route: Route) -> RouteLine:
    url = strip_url_secrets(route.called.url)
    return RouteLine(_masked_name(route), _full_name(route), url, route.verdict.label)


def _masked_name(route: Route) -> str:
    """Return the masked number with the end of its SID: two numbers may end in the same digits."""
    if route.kind is RouteKind.SERVICE:
        return _full_name(route)
    return f"{mask_addresses(_full_name(route))} {route.sid[-6:]}"


def _full_name(route: Route) -> str:
    if route.kind is RouteKind.SERVICE:
        return f"messaging service {route.sid}"
    channel, _, address = route.name.rpartition(":")
    return f"{channel} {address}" if channel else address


def _route_issues(route: Route) -> Iterator[RouteIssue]:
    """Yield what is wrong with a URL that is meant for us."""
    called = route.called
    if called.is_unread:
        yield RouteIssue.APPLICATION_UNREADABLE
    elif has_our_host(route.url) and not has_our_host(called.url):
        yield RouteIssue.SERVICE_OVERRULES if route.service else RouteIssue.APPLICATION_OVERRULES
    # A service is a route of its own, whose issues are not repeated for its numbers.
    if route.service or route.defers or not has_our_host(called.url):
        return
    if route.verdict in FAULTS:
        yield FAULTS[route.verdict]
    if route.verdict in POINTS_HERE:
        if not asks_for_retries(called.url):
            yield RouteIssue.WEBHOOK_NOT_REPEATED
        if not points_here(called.fallback, route.source):
            yield RouteIssue.FALLBACK_MISSING
