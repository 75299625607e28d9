from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncHour
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from mediapipe.admin.held_up import held_up_by
from mediapipe.admin.pages import render_page
from mediapipe.admin.text import counted, duration
from mediapipe.fetching.storage import storage_location
from mediapipe.models import Cause, FetchAttempt, Incident, IncidentState, MediaItem
from mediapipe.models.causes import FOR_TWILIO
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.backlog import CAP
from mediapipe.timing.period import Period

HOUR = timedelta(hours=1)
# As many hours as fit on a page; of a longer incident, the latest.
MAX_HOURS = 72
BAR, GAP, HEIGHT = 9, 2, 90
EXAMPLES = 10
# The unit of what was measured, if not media items.
UNITS = {Cause.HAND_OFFS: "hand-offs", Cause.POINTS_ELSEWHERE: "numbers, services or senders"}


@dataclass(frozen=True, slots=True)
class AffectedHour:
    """How many of the media items received within one hour were affected."""

    at: datetime
    affected: int
    total: int


@dataclass(frozen=True, slots=True)
class StackedBar:
    """One hour of the chart, in pixels: the whole bar, and its affected part."""

    x: int
    total: int
    affected: int


def render_incident(request: HttpRequest, incident: Incident, *, may_manage: bool) -> HttpResponse:
    cause = Cause(incident.cause)
    start = incident.first_seen_at or incident.opened_at
    end = incident.resolved_at or timezone.now()
    hours = _hours(incident, start, end)
    most = max((hour.total for hour in hours), default=0) or 1
    bars = [
        StackedBar(
            number * (BAR + GAP),
            round(hour.total / most * HEIGHT),
            round(hour.affected / most * HEIGHT),
        )
        for number, hour in enumerate(hours)
    ]
    # The timing page shows some time before the incident too, for comparison.
    period = Period(start - max(HOUR, (end - start) / 4), end)
    account = {"account_sid__exact": incident.account_sid} if incident.account_sid else {}
    return render_page(
        request,
        "incident/page.html",
        title=f"Incident: {incident}",
        opts=Incident._meta,
        original=incident,
        incident=incident,
        cause=cause,
        summary=_summary(incident, duration((end - start).total_seconds())),
        held_up=held_up_by(incident),
        became=_became(incident),
        steps=_possible_steps(incident) if may_manage else [],
        hours=hours,
        bars=bars,
        size=(len(hours) * (BAR + GAP), HEIGHT),
        history=incident.steps.select_related("by"),
        notices=incident.notices.select_related("step"),
        examples=incident.media.order_by("-received_at")[:EXAMPLES],
        timing=period.query(**account),
        for_twilio=cause in FOR_TWILIO,
        in_seconds=cause == Cause.SLOW_PROPAGATION,
        unit=UNITS.get(cause, "media"),
        is_about_routes=cause == Cause.POINTS_ELSEWHERE,
        storage=storage_location() if cause == Cause.STORAGE else "",
    )


def _summary(incident: Incident, length: str) -> str:
    time = f"Resolved after {length}" if incident.resolved_at else f"Ongoing for {length}"
    affected = f"; {counted(incident.affected, 'media item')} affected" if incident.affected else ""
    silent = " No notifications are sent." if incident.state == IncidentState.IGNORED else ""
    return f"{time}{affected}.{silent}"


def _became(incident: Incident) -> str:
    """Return what became of the items of a resolved incident, or ""."""
    if not incident.resolved_at:
        return ""
    media = incident.media.all()
    if not incident.affected:
        # Local causes record no items: find those with failed attempts of this cause meanwhile.
        within = (incident.first_seen_at or incident.opened_at, incident.resolved_at)
        met = FetchAttempt.objects.filter(
            outcome=Cause(incident.cause).failure, started_at__range=within
        )
        media = MediaItem.objects.filter(pk__in=met.order_by("pk").values("media")[:CAP])
    counts = dict(media.order_by().values_list("status").annotate(Count("pk")))
    if not counts:
        return ""
    total = counted(sum(counts.values()), "item")
    parts = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items()))
    return f"{total} had this failure; now {parts}."


def _possible_steps(incident: Incident) -> list[str]:
    """Return the steps that state and cause permit, the most likely first."""
    report = ["report"] if incident.cause in FOR_TWILIO else []
    if incident.state in (IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.REPORTED):
        first = ["acknowledge"] if incident.state == IncidentState.OPEN else []
        return [*first, *report, "resolve", "ignore"]
    return ["reopen", *report] if incident.resolved_at else ["reopen", *report, "resolve"]


def _hours(incident: Incident, start: datetime, end: datetime) -> list[AffectedHour]:
    """Return the hours of the incident, even those without media; of a long one, the latest."""
    if not incident.affected:
        return []
    at = max(start, end - MAX_HOURS * HOUR).astimezone(UTC)
    at = at.replace(minute=0, second=0, microsecond=0)
    everything = MediaItem.objects.all()
    if incident.account_sid:
        everything = everything.filter(account_sid=incident.account_sid)
    affected, total = _by_hour(incident.media, at, end), _by_hour(everything, at, end)
    hours = []
    while at <= end:
        hours.append(AffectedHour(at, affected.get(at, 0), total.get(at, 0)))
        at += HOUR
    return hours


def _by_hour(media: Any, since: datetime, until: datetime) -> dict[datetime, int]:
    rows: MediaQuerySet = media.filter(received_at__gte=since, received_at__lte=until)
    hour = TruncHour("received_at", tzinfo=UTC)
    counts = rows.order_by().annotate(hour=hour).values_list("hour").annotate(Count("pk"))
    return dict(counts)
