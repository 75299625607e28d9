"""The figures of a case: how many of how many, when, where, how late, and what was ruled out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, Max, Min, QuerySet
from django.db.models.functions import TruncHour

from mediapipe.escalation.report.case import Case
from mediapipe.escalation.report.ruled_out import RuledOut, ruled_out
from mediapipe.models import FetchAttempt
from mediapipe.models.delays import Span
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.models.percentiles import Percentiles

NOT_FOUND = 404
SHARES = (0.5, 0.95, 0.99)
UNKNOWN_REGION = "not told"


@dataclass(frozen=True, slots=True)
class Group:
    """How many of how many media of one hour, region or account were affected."""

    name: str
    affected: int
    total: int


@dataclass(frozen=True, slots=True)
class Delays:
    """The propagation delays of some media: how many have one, and p50, p95, p99 as intervals."""

    count: int
    percentiles: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What the message says of a case; times are in UTC, `hours` by the hour they begin at."""

    affected: int
    total: int
    retrieved: int
    not_found: int
    codes: tuple[int, ...]
    first_at: datetime
    last_at: datetime
    hours: dict[datetime, Group]
    regions: list[Group]
    accounts: list[Group]
    delays: Delays
    all_delays: Delays
    usual: Group
    usual_delays: Delays
    ruled_out: RuledOut


def figures(case: Case) -> Figures:
    """Return the figures of a case, each asked of the database."""
    affected, everything, baseline = case.affected, case.everything(), case.baseline()
    ends = affected.aggregate(first=Min("received_at"), last=Max("received_at"))
    return Figures(
        affected=affected.count(),
        total=everything.count(),
        retrieved=affected.filter(retrieved_at__isnull=False).count(),
        not_found=not_found_of(affected).count(),
        codes=_codes(affected),
        first_at=ends["first"],
        last_at=ends["last"],
        hours=_hours(affected, everything),
        regions=_regions(affected, everything),
        accounts=_accounts(affected, everything),
        delays=_delays(affected),
        all_delays=_delays(everything),
        usual=Group("usual", baseline.early_404().unexplained().count(), baseline.count()),
        usual_delays=_delays(baseline),
        ruled_out=ruled_out(case),
    )


def not_found_of(media: MediaQuerySet) -> QuerySet[FetchAttempt]:
    """Return the attempts at these media that were answered 404."""
    return FetchAttempt.objects.filter(media__in=media.values("pk"), http_status=NOT_FOUND)


def _codes(media: MediaQuerySet) -> tuple[int, ...]:
    """Return the error codes that Twilio put into its 404s; in practice 20404."""
    codes = not_found_of(media).order_by("twilio_code").values_list("twilio_code", flat=True)
    return tuple(code for code in codes.distinct() if code)


def _hours(affected: MediaQuerySet, everything: MediaQuerySet) -> dict[datetime, Group]:
    """Return each hour in which an affected media item came in.

    The hours are those of UTC: on the day on which a zone turns its clocks back it has one
    hour twice, and they would be counted as one.
    """
    late, total = _by_hour(affected), _by_hour(everything)
    return {at: Group("", late[at], total.get(at, late[at])) for at in sorted(late)}


def _by_hour(media: MediaQuerySet) -> dict[datetime, int]:
    hour = TruncHour("received_at", tzinfo=UTC)
    counted = media.order_by().annotate(hour=hour).values_list("hour").annotate(Count("pk"))
    return dict(counted)


def _regions(affected: MediaQuerySet, everything: MediaQuerySet) -> list[Group]:
    """Return each region that Twilio's answers named, the most affected first."""
    late = _by_region(not_found_of(affected))
    first = FetchAttempt.objects.filter(media__in=everything.values("pk"), number=1)
    return _groups(late, _by_region(first))


def _by_region(attempts: QuerySet[FetchAttempt]) -> dict[str, int]:
    counted = attempts.order_by().values_list("home_region")
    return dict(counted.annotate(Count("media", distinct=True)))


def _accounts(affected: MediaQuerySet, everything: MediaQuerySet) -> list[Group]:
    return _groups(_by_account(affected), _by_account(everything))


def _by_account(media: MediaQuerySet) -> dict[str, int]:
    return dict(media.order_by().values_list("account_sid").annotate(Count("pk")))


def _groups(late: dict[str, int], total: dict[str, int]) -> list[Group]:
    groups = [
        Group(name or UNKNOWN_REGION, late.get(name, 0), max(count, late.get(name, 0)))
        for name, count in ({**dict.fromkeys(late, 0), **total}).items()
        if name or late.get(name)
    ]
    return sorted(groups, key=lambda group: (-group.affected, group.name))


def _delays(media: MediaQuerySet) -> Delays:
    """Return the delays of those that were there in the end: of the others nothing is known yet."""
    found = media.filter(delay_at_most_s__isnull=False)
    edges: dict[str, Any] = found.aggregate(
        count=Count("pk"),
        least=Percentiles("delay_at_least_s", SHARES),
        most=Percentiles("delay_at_most_s", SHARES),
    )
    return Delays(edges["count"], tuple(_spans(edges["least"] or [], edges["most"] or [])))


def _spans(least_s: Iterable[float], most_s: Iterable[float]) -> list[Span]:
    return [Span(least, max(least, most)) for least, most in zip(least_s, most_s, strict=False)]
