from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import isinf
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from mediapipe.admin.search import HELP
from mediapipe.admin.text import counted, delay_range, duration, times, timestamp
from mediapipe.admin.verdict import verdict
from mediapipe.gateway.entries import entry_names
from mediapipe.models import AccountHealth, GatewayDelivery, Incident
from mediapipe.operations.components import Component, components
from mediapipe.timing.backlog import backlog
from mediapipe.timing.hourly import tallies_of
from mediapipe.timing.period import Period
from mediapipe.timing.selection import Selection
from mediapipe.timing.summary import TimingSummary
from mediapipe.timing.tally import Tally

PERIOD = "24h"
# How often the page refreshes, in seconds; without JavaScript there is a link.
REFRESH_S = 15
# Of fewer items a share says nothing; the numbers are shown instead.
MIN_FOR_SHARE = 20
EVENTS = "admin:mediapipe_webhookevent_changelist"
MEDIA = "admin:mediapipe_mediaitem_changelist"
INCIDENTS = "admin:mediapipe_incident_changelist"
ACCOUNTS = "admin:mediapipe_accounthealth_changelist"
DELIVERIES = "admin:mediapipe_gatewaydelivery_changelist"


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure: its value, that of the preceding period, and a link to the rows it counts."""

    title: str
    value: str
    url: str
    before: str = ""
    note: str = ""


def overview(request: HttpRequest) -> dict[str, Any]:
    """Return the context of the index page; empty without the permission to view media."""
    if not request.user.has_perm("mediapipe.view_mediaitem"):
        return {}
    now = timezone.now()
    selection = Selection(Period.named(PERIOD, now))
    before = Selection(selection.period.preceding())
    tallies = [Tally.sum(tallies_of(each).values()) for each in (selection, before)]
    new, old = map(TimingSummary.from_tally, tallies)
    waiting, oldest = _waiting(now)
    monitored = components()
    service = [*monitored, _accounts(), _incidents(), *_apps()]
    webhooks = _counted("Webhooks", EVENTS, selection, *(tally.webhooks for tally in tallies))
    return {
        "groups": {
            "The last 24 hours": [webhooks, *_outcomes(selection, new, old), waiting],
            "Delays": [*_delays(selection, new, old), _lag(selection, new, old), oldest],
        },
        "verdict": verdict(monitored),
        "parts": service,
        # Problems of the service come above the figures, because they may explain them.
        "all_well": all(component.healthy for component in service),
        "as_of": timestamp(now),
        "refresh_s": REFRESH_S,
        "search_help": HELP,
    }


def _outcomes(selection: Selection, new: TimingSummary, old: TimingSummary) -> Iterator[Tile]:
    yield _counted("Media", MEDIA, selection, new.media, old.media)
    stored, failed = {"status__exact": "stored"}, {"status__exact": "failed"}
    yield _counted("Stored", MEDIA, selection, new.stored, old.stored, **stored)
    yield _counted("Failed", MEDIA, selection, new.failed, old.failed, **failed)
    yield Tile(
        "With an early 404",
        _share(new),
        _url(MEDIA, selection, early_404="yes"),
        f"before: {_share(old)}",
        f"{new.early:,} of {new.attempted:,} attempted" if new.attempted >= MIN_FOR_SHARE else "",
    )


def _counted(
    title: str, name: str, selection: Selection, new: int, old: int, **others: str
) -> Tile:
    return Tile(title, f"{new:,}", _url(name, selection, **others), _change(new, old))


def _waiting(now: datetime) -> tuple[Tile, Tile]:
    """Return the number of unfinished items, and the oldest of them."""
    found = backlog()
    url = f"{reverse(MEDIA)}?waiting_longer_than=0"
    count = Tile(
        "Waiting now", f"{found.count:,}{'+' if found.capped else ''}", url, note="of any age"
    )
    if not found.oldest:
        return count, Tile("Oldest waiting", "none", url)
    waits_s = (now - found.oldest.received_at).total_seconds()
    oldest = reverse("admin:mediapipe_mediaitem_change", args=[found.oldest.pk])
    note = f"{found.oldest.status}, attempted {times(found.oldest.attempts)}"
    return count, Tile("Oldest waiting", duration(waits_s), oldest, note=note)


def _delays(selection: Selection, new: TimingSummary, old: TimingSummary) -> Iterator[Tile]:
    for number, name in enumerate(("p50", "p95", "p99")):
        yield Tile(
            f"Propagation delay {name}",
            delay_range(*new.delay_bounds(number)),
            _url(MEDIA, selection, slower_than=f"{_bound_s(new, number):.3f}"),
            f"before: {delay_range(*old.delay_bounds(number))}",
            "Twilio\N{RIGHT SINGLE QUOTATION MARK}s",
        )


def _lag(selection: Selection, new: TimingSummary, old: TimingSummary) -> Tile:
    return Tile(
        "Queue lag p95",
        duration(new.lag[1]) if new.lag else "-",
        f"{reverse('admin:timing')}?{selection.query()}#whose",
        f"before: {duration(old.lag[1]) if old.lag else '-'}",
        "ours: webhook to first attempt",
    )


def _bound_s(summary: TimingSummary, number: int) -> float:
    # The list's filter compares the upper bound of an item if it has one.
    least, most = summary.delay_bounds(number)
    return 0.0 if least is None or most is None else least if isinf(most) else most


@dataclass(frozen=True, slots=True)
class ListedProblems(Component):
    """Shown like a component of the service, with a link to the list."""

    url: str = ""


def _accounts() -> Component:
    count = AccountHealth.objects.exclude(paused_at=None).count()
    sentence = "none paused" if not count else f"{count} paused"
    todo = "Nothing is fetched for a paused account; the list says who or what paused it."
    return ListedProblems("accounts", not count, sentence, todo, reverse(ACCOUNTS))


def _apps() -> Iterator[Component]:
    """Yield the apps behind the gateway, if there are any."""
    if entry_names():
        count = GatewayDelivery.objects.resendable().count()
        sentence = (
            f"{counted(count, 'message')} not delivered" if count else "all messages delivered"
        )
        todo = "Each delivery says why; send the messages again once that is fixed."
        yield ListedProblems("apps", not count, sentence, todo, reverse(DELIVERIES))


def _incidents() -> Component:
    count = Incident.objects.open().count()
    sentence = "none open" if not count else f"{count} open"
    url = f"{reverse(INCIDENTS)}?resolved_at__isempty=1"
    todo = "Each incident says what to do."
    return ListedProblems("incidents", not count, sentence, todo, url)


def _change(new: int, old: int) -> str:
    if not old:
        return "before: none" if new else ""
    change = f" ({(new - old) / old:+.0%})" if old >= MIN_FOR_SHARE else ""
    return f"before: {old:,}{change}"


def _share(summary: TimingSummary) -> str:
    if summary.early_share is None:
        return "-"
    enough = summary.attempted >= MIN_FOR_SHARE
    return f"{summary.early_share:.1%}" if enough else f"{summary.early} of {summary.attempted}"


def _url(name: str, selection: Selection, **others: str) -> str:
    return f"{reverse(name)}?{selection.query(**others)}"
