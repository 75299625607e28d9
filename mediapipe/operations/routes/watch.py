"""Periodically compares the webhook URLs at Twilio with ours."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from mediapipe.gateway.entries import entries
from mediapipe.models import (
    AccountHealth,
    Cause,
    Incident,
    MediaItem,
    Observation,
    RouteKind,
    RouteReading,
    WebhookRoute,
)
from mediapipe.operations.routes.reading import (
    api_of,
    read_conversations,
    read_numbers,
    read_senders,
)
from mediapipe.operations.routes.route import Route
from mediapipe.operations.routes.twilio_api import ReadError
from mediapipe.providers.twilio.accounts import Account, accounts
from mediapipe.redaction import strip_url_secrets

logger = logging.getLogger(__name__)

# The longest that one account takes in a run, so that the others get their turn.
ACCOUNT_S = 60.0
# More names than this do not fit into an incident; its page links to all of them.
MAX_NAMES = 3


def read_accounts(deadline_s: float) -> Iterator[str]:
    """Read and store the routes of each account, the one tried longest ago first; yield its SID.

    Paused and rate-limited accounts are skipped, and keep what was last read.
    """
    configured = accounts()
    for removed in (WebhookRoute, RouteReading):
        removed._default_manager.exclude(account_sid__in=configured).delete()
    gone = Incident.objects.ongoing().filter(cause=Cause.POINTS_ELSEWHERE)
    for incident in gone.exclude(account_sid__in=configured):
        incident.resolve()
    tried = dict(RouteReading.objects.values_list("account_sid", "tried_at"))
    throttled = AccountHealth.objects.throttled(timezone.now())
    left_out = {*AccountHealth.paused(), *throttled.values_list("account_sid", flat=True)}
    never = [sid for sid in configured if sid not in tried]
    for sid in (*never, *sorted(tried, key=tried.__getitem__)):
        if sid not in left_out and configured[sid].credentials():
            read_account(configured[sid], min(deadline_s, time.monotonic() + ACCOUNT_S))
            yield sid


def read_account(account: Account, deadline_s: float) -> None:
    """Read and store the routes of an account, and open or resolve its incident.

    What cannot be read keeps its rows: an error of Twilio says nothing about its URLs.
    """
    api, sid = api_of(account, deadline_s=deadline_s), account.sid
    readers: dict[tuple[RouteKind, ...], Callable[[], Sequence[Route]]] = {
        (RouteKind.NUMBER, RouteKind.SERVICE): lambda: read_numbers(api, sid),
        (RouteKind.SENDER,): lambda: read_senders(api),
        (RouteKind.CONVERSATIONS,): lambda: read_conversations(api, sid),
    }
    errors = []
    for kinds, read in readers.items():
        try:
            rows = [_row(route) for route in read()]
        except ReadError as error:
            errors.append(str(error))
        else:
            WebhookRoute.record(sid, kinds, rows, whole=not api.is_cut_off)
    if errors:
        # Not a warning: a restricted API key may never be able to read some of them.
        logger.info("the webhook URLs of %s could not all be read: %s", sid, "; ".join(errors))
    now = {"tried_at": timezone.now(), "error": "; ".join(errors)[:255]}
    RouteReading.objects.update_or_create(account_sid=sid, defaults=now)
    if len(errors) < len(readers):
        update_incident(sid)


def update_incident(account_sid: str) -> None:
    """Open the incident of an account some of whose routes no longer point here, or resolve it.

    It stays as it is while GATEWAY_FILE is invalid.
    """
    try:
        apps = entries()
    except ImproperlyConfigured:
        # Which numbers the apps need is unknown. The dispatcher logs what is wrong with the file.
        return
    named = [
        address
        for entry in apps
        for address in entry.to
        if entry.fits(account_sid, address, "messaging")
    ]
    lost = WebhookRoute.objects.filter(account_sid=account_sid).lost(named).order_by("kind", "sid")
    count = lost.count()
    if not count:
        Incident.resolve_for(Cause.POINTS_ELSEWHERE, account_sid)
        return
    parts = [f"{route}: {route.outcome}" for route in lost[:MAX_NAMES]]
    if count > MAX_NAMES:
        parts.append(f"and {count - MAX_NAMES} more")
    detail = f"{'; '.join(parts)}."
    seen = Observation(count, None, detail, MediaItem.objects.none())
    Incident.open_or_update(Cause.POINTS_ELSEWHERE, account_sid, seen)


def _row(route: Route) -> WebhookRoute:
    called = route.called
    return WebhookRoute(
        kind=route.kind,
        sid=route.sid[:34],
        name=_text(route.name, 255),
        # A malformed URL has no parts that could be shown.
        url=_text(strip_url_secrets(called.url) or (called.url and "malformed"), 2048),
        method=called.method[:8],
        via=called.sid[:34] if called is not route else "",
        verdict=route.verdict,
    )


def _text(text: str, length: int) -> str:
    """Return the text without NULs, which PostgreSQL rejects, cut off at this length."""
    return text.replace("\0", "")[:length]
