from __future__ import annotations

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
UNKNOWN_REGION = "unknown"


@dataclass(frozen=True, slots=True)
class AffectedShare:
    """How many of all media of one hour, region or account were affected."""

    name: str
    affected: int
    total: int


@dataclass(frozen=True, slots=True)
class DelayStats:
    """Propagation delays: the number of media that have one, and p50, p95, p99 as intervals."""

    count: int
    percentiles: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class CaseFigures:
    """The figures of a case; times are in UTC, `hours` are keyed by their start."""

    affected: int
    total: int
    retrieved: int
    not_found: int
    codes: tuple[int, ...]
    first_at: datetime
    last_at: datetime
    hours: dict[datetime, AffectedShare]
    regions: list[AffectedShare]
    accounts: list[AffectedShare]
    delays: DelayStats
    all_delays: DelayStats
    baseline: AffectedShare
    baseline_delays: DelayStats
    ruled_out: RuledOut


def compute_figures(case: Case) -> CaseFigures:
    """Query the figures of a case."""
    affected, everything, baseline = case.affected, case.everything(), case.baseline()
    first_attempts = FetchAttempt.objects.filter(media__in=everything.values("pk"), number=1)
    ends = affected.aggregate(first=Min("received_at"), last=Max("received_at"))
    return CaseFigures(
        affected=affected.count(),
        total=everything.count(),
        retrieved=affected.filter(retrieved_at__isnull=False).count(),
        not_found=not_found_of(affected).count(),
        codes=_codes(affected),
        first_at=ends["first"],
        last_at=ends["last"],
        hours=_hours(affected, everything),
        # Twilio names the region in its responses, so count all media by that of the first attempt.
        regions=_groups(_by_region(not_found_of(affected)), _by_region(first_attempts)),
        accounts=_groups(_by_account(affected), _by_account(everything)),
        delays=_delays(affected),
        all_delays=_delays(everything),
        baseline=AffectedShare(
            "baseline", baseline.early_404().unexplained().count(), baseline.count()
        ),
        baseline_delays=_delays(baseline),
        ruled_out=ruled_out(case),
    )


def not_found_of(media: MediaQuerySet) -> QuerySet[FetchAttempt]:
    """Return the attempts at these media that got a 404."""
    return FetchAttempt.objects.filter(media__in=media.values("pk"), http_status=NOT_FOUND)


def _codes(media: MediaQuerySet) -> tuple[int, ...]:
    """Return the error codes that Twilio put into its 404s; in practice 20404."""
    codes = not_found_of(media).order_by("twilio_code").values_list("twilio_code", flat=True)
    return tuple(code for code in codes.distinct() if code)


def _hours(affected: MediaQuerySet, everything: MediaQuerySet) -> dict[datetime, AffectedShare]:
    """Return the hours in which affected media was received.

    In UTC, because when a zone turns its clocks back it has one hour twice, and the two would be
    counted as one.
    """
    late, total = _by_hour(affected), _by_hour(everything)
    return {at: AffectedShare("", late[at], total.get(at, late[at])) for at in sorted(late)}


def _by_hour(media: MediaQuerySet) -> dict[datetime, int]:
    hour = TruncHour("received_at", tzinfo=UTC)
    counted = media.order_by().annotate(hour=hour).values_list("hour").annotate(Count("pk"))
    return dict(counted)


def _by_region(attempts: QuerySet[FetchAttempt]) -> dict[str, int]:
    counted = attempts.order_by().values_list("home_region")
    return dict(counted.annotate(Count("media", distinct=True)))


def _by_account(media: MediaQuerySet) -> dict[str, int]:
    return dict(media.order_by().values_list("account_sid").annotate(Count("pk")))


def _groups(late: dict[str, int], total: dict[str, int]) -> list[AffectedShare]:
    groups = [
        AffectedShare(name or UNKNOWN_REGION, late.get(name, 0), max(count, late.get(name, 0)))
        for name, count in ({**dict.fromkeys(late, 0), **total}).items()
        if name or late.get(name)
    ]
    return sorted(groups, key=lambda group: (-group.affected, group.name))


def _delays(media: MediaQuerySet) -> DelayStats:
    """Return the delays of media that became available; those of the rest are not known yet."""
    found = media.filter(delay_at_most_s__isnull=False)
    edges: dict[str, Any] = found.aggregate(
        count=Count("pk"),
        least=Percentiles("delay_at_least_s", SHARES),
        most=Percentiles("delay_at_most_s", SHARES),
    )
    least_s, most_s = edges["least"] or [], edges["most"] or []
    # Computed separately, but an interval must not end before it starts.
    spans = [Span(least, max(least, most)) for least, most in zip(least_s, most_s, strict=False)]
    return DelayStats(edges["count"], tuple(spans))
