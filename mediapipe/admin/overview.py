"""The first page: the last 24 hours against the 24 hours before, and how the service is now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import isinf
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from mediapipe.admin.text import duration, times, timestamp
from mediapipe.models import Incident
from mediapipe.operations.components import Component, components
from mediapipe.timing.backlog import backlog
from mediapipe.timing.period import Period
from mediapipe.timing.selection import Selection
from mediapipe.timing.summary import TimingSummary, summarize

PERIOD = "24h"
# How often the page looks again, in seconds; without JavaScript there is a link for it.
REFRESH_S = 15
EVENTS = "admin:mediapipe_webhookevent_changelist"
MEDIA = "admin:mediapipe_mediaitem_changelist"
INCIDENTS = "admin:mediapipe_incident_changelist"


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure: its value now and in the period before, and the list of what it counts."""

    title: str
    value: str
    url: str
    before: str = ""
    note: str = ""


def overview(request: HttpRequest) -> dict[str, Any]:
    """Return what the first page shows above the lists; nothing to who may not see media."""
    if not request.user.has_perm("mediapipe.view_mediaitem"):
        return {}
    now = timezone.now()
    selection = Selection(Period.named(PERIOD, now))
    before = Selection(selection.period.preceding())
    new, old = summarize(selection.media()), summarize(before.media())
    owed, oldest = _owed(now)
    service = [*components(), _incidents()]
    webhooks = _counted("Webhooks", EVENTS, selection, selection.webhooks(), before.webhooks())
    return {
        "groups": {
            "The last 24 hours": [webhooks, *_outcomes(selection, new, old), owed],
            "How long it took": [*_delays(selection, new, old), _lag(selection, new, old), oldest],
        },
        "parts": service,
        # What is not well stands above the figures, which it may be the reason of.
        "all_well": all(component.healthy for component in service),
        "as_of": timestamp(now),
        "refresh_s": REFRESH_S,
    }


def _outcomes(selection: Selection, new: TimingSummary, old: TimingSummary) -> Iterator[Tile]:
    yield _counted("Media", MEDIA, selection, new.media, old.media)
    stored, failed = {"status__exact": "stored"}, {"status__exact": "failed"}
    yield _counted("Stored", MEDIA, selection, new.stored, old.stored, **stored)
    yield _counted("Failed", MEDIA, selection, new.failed, old.failed, **failed)
    yield Tile(
        "With an early 404",
        _percent(new.early_share),
        _url(MEDIA, selection, early_404="yes"),
        f"before: {_percent(old.early_share)}",
        f"{new.early:,} of {new.attempted:,} attempted",
    )


def _counted(
    title: str, name: str, selection: Selection, new: int, old: int, **others: str
) -> Tile:
    return Tile(title, f"{new:,}", _url(name, selection, **others), _change(new, old))


def _owed(now: datetime) -> tuple[Tile, Tile]:
    """Return how many items wait, and the one that waits longest."""
    owed = backlog()
    url = f"{reverse(MEDIA)}?waiting_longer_than=0"
    count = Tile(
        "Waiting now", f"{owed.count:,}{'+' if owed.capped else ''}", url, note="of any age"
    )
    if not owed.oldest:
        return count, Tile("Oldest waiting", "none", url)
    waits_s = (now - owed.oldest.received_at).total_seconds()
    oldest = reverse("admin:mediapipe_mediaitem_change", args=[owed.oldest.pk])
    note = f"{owed.oldest.status}, attempted {times(owed.oldest.attempts)}"
    return count, Tile("Oldest waiting", duration(waits_s), oldest, note=note)


def _delays(selection: Selection, new: TimingSummary, old: TimingSummary) -> Iterator[Tile]:
    for number, name in enumerate(("p50", "p95", "p99")):
        yield Tile(
            f"Propagation delay {name}",
            interval(new, number),
            _url(MEDIA, selection, slower_than=f"{_bound_s(new, number):.3f}"),
            f"before: {interval(old, number)}",
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


def _bound_s(of: TimingSummary, number: int) -> float:
    """Return the bound that the list's own filter goes by: the upper one where there is one."""
    if not of.at_least or not of.at_most:
        return 0.0
    return of.at_least[number] if isinf(of.at_most[number]) else of.at_most[number]


def interval(of: TimingSummary, number: int) -> str:
    """Return one of the percentiles as the interval that is all that is known of it."""
    if not of.at_least or not of.at_most:
        return "-"
    least, most = of.at_least[number], of.at_most[number]
    if isinf(most):
        return f"over {duration(least)}"
    return f"{duration(least)} to {duration(most)}" if least else f"at most {duration(most)}"


@dataclass(frozen=True, slots=True)
class OpenIncidents(Component):
    """Told like a part of the service, with a link to the list."""

    url: str = ""


def _incidents() -> Component:
    count = Incident.objects.open().count()
    sentence = "none open" if not count else f"{count} open"
    url = f"{reverse(INCIDENTS)}?resolved_at__isempty=1"
    todo = "Each says what to do."
    return OpenIncidents("incidents", not count, sentence, todo, url)


def _change(new: int, old: int) -> str:
    if not old:
        return "before: none" if new else ""
    return f"before: {old:,} ({(new - old) / old:+.0%})"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _url(name: str, selection: Selection, **others: str) -> str:
    return f"{reverse(name)}?{selection.query(**others)}"
