"""The page of one incident: what is the matter, hour by hour, which media, and who did what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncHour
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from mediapipe.admin.incident_steps import possible
from mediapipe.admin.pages import render_page
from mediapipe.admin.text import counted, duration
from mediapipe.models import Cause, Incident, IncidentState, MediaItem
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.period import Period

HOUR = timedelta(hours=1)
# As many hours as fit on a page; the newest ones, where the trouble lasts longer.
MOST_HOURS = 72
BAR, GAP, HEIGHT = 9, 2, 90
EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Hour:
    """How many of the media that came in within one hour were affected."""

    at: datetime
    affected: int
    total: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of the picture, in pixels: the whole bar, and the part of it that was affected."""

    x: int
    total: int
    affected: int
    hour: Hour


def show(request: HttpRequest, incident: Incident, *, may_manage: bool) -> HttpResponse:
    """Answer with the page of this incident."""
    cause = Cause(incident.cause)
    hours = list(_hours(incident))
    return render_page(
        request,
        "incident/page.html",
        title=f"Incident: {incident}",
        opts=Incident._meta,
        original=incident,
        incident=incident,
        cause=cause,
        story=story(incident),
        steps=possible(incident) if may_manage else [],
        hours=hours,
        bars=_bars(hours),
        size=(len(hours) * (BAR + GAP), HEIGHT),
        history=incident.steps.select_related("by"),
        notices=incident.notices.select_related("step"),
        examples=incident.media.order_by("-received_at")[:EXAMPLES],
        timing=_timing(incident),
        in_seconds=cause == Cause.SLOW_PROPAGATION,
    )


def story(incident: Incident) -> str:
    """Return in a sentence or two how bad it is and how long it lasts."""
    end = incident.resolved_at or timezone.now()
    lasted = duration((end - (incident.first_seen_at or incident.opened_at)).total_seconds())
    time = f"It was over after {lasted}" if incident.resolved_at else f"It has gone on for {lasted}"
    affected = f" and affected {counted(incident.affected, 'media item')}"
    silent = " Nobody is told of it." if incident.state == IncidentState.IGNORED else ""
    return f"{time}{affected if incident.affected else ''}.{silent}"


def _timing(incident: Incident) -> str:
    """Return the query by which the timing view shows this trouble and the hours before it."""
    end = incident.resolved_at or timezone.now()
    begin = incident.first_seen_at or incident.opened_at
    period = Period(begin - max(HOUR, (end - begin) / 4), end)
    account = {"account_sid__exact": incident.account_sid} if incident.account_sid else {}
    return period.query(**account)


def _hours(incident: Incident) -> Iterator[Hour]:
    """Yield each hour of the trouble, those in between without media included."""
    if not incident.affected:
        return
    end = incident.resolved_at or timezone.now()
    begin = max(incident.first_seen_at or incident.opened_at, end - MOST_HOURS * HOUR)
    at = begin.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    everything = MediaItem.objects.all()
    if incident.account_sid:
        everything = everything.filter(account_sid=incident.account_sid)
    affected, total = _by_hour(incident.media, at, end), _by_hour(everything, at, end)
    while at <= end:
        yield Hour(at, affected.get(at, 0), total.get(at, 0))
        at += HOUR


def _by_hour(media: Any, since: datetime, until: datetime) -> dict[datetime, int]:
    rows: MediaQuerySet = media.filter(received_at__gte=since, received_at__lte=until)
    hour = TruncHour("received_at", tzinfo=UTC)
    counts = rows.order_by().annotate(hour=hour).values_list("hour").annotate(Count("pk"))
    return dict(counts)


def _bars(hours: list[Hour]) -> list[Bar]:
    most = max((hour.total for hour in hours), default=0) or 1
    return [
        Bar(
            number * (BAR + GAP),
            round(hour.total / most * HEIGHT),
            round(hour.affected / most * HEIGHT),
            hour,
        )
        for number, hour in enumerate(hours)
    ]
