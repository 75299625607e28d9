from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncMinute

from mediapipe.escalation.report.case import Case
from mediapipe.models import FetchAttempt
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.models.percentiles import Percentiles

NOT_FOUND, REFUSED = 404, (401, 403)
STORED = "stored"


@dataclass(frozen=True, slots=True)
class RuledOut:
    """Figures that rule out causes on our side.

    `others` is the number of media fetched without a 404, with the same credentials, in the minutes
    of the 404s; `refused` counts the attempts of these accounts that got 401 or 403. Queue lags are
    95th percentiles in seconds. `by_origin` 404s came from the API itself, `by_cdn` after a
    redirect; `redirected` media followed one to `hosts`.
    """

    others: int
    refused: int
    lag_p95_s: float | None
    baseline_lag_p95_s: float | None
    by_origin: int
    by_cdn: int
    redirected: int
    hosts: tuple[str, ...]


def ruled_out(case: Case) -> RuledOut:
    """Query what rules out causes on our side."""
    everything = case.everything()
    not_found = _attempts(case.affected).filter(http_status=NOT_FOUND)
    by_origin = not_found.filter(redirect_host="").count()
    followed = _attempts(everything).filter(outcome=STORED).exclude(redirect_host="")
    return RuledOut(
        others=_others(case, not_found),
        refused=_attempts(everything).filter(http_status__in=REFUSED).count(),
        lag_p95_s=_lag_p95_s(case.affected),
        baseline_lag_p95_s=_lag_p95_s(case.baseline()),
        by_origin=by_origin,
        by_cdn=not_found.count() - by_origin,
        redirected=followed.values("media").distinct().count(),
        hosts=tuple(sorted(followed.order_by().values_list("redirect_host", flat=True).distinct())),
    )


def _attempts(media: MediaQuerySet) -> QuerySet[FetchAttempt]:
    return FetchAttempt.objects.filter(media__in=media.values("pk"))


def _others(case: Case, not_found: QuerySet[FetchAttempt]) -> int:
    """Count the media fetched without a 404 in a minute in which another item got one."""
    minutes = set(_minutes(not_found).distinct())
    if not minutes:
        return 0
    first, last = min(at for _, at in minutes), max(at for _, at in minutes)
    stored = FetchAttempt.objects.filter(
        media__account_sid__in=case.accounts,
        media__not_found_count=0,
        outcome=STORED,
        started_at__gte=first,
        # `last` is the start of a minute; include all of it.
        started_at__lt=last.replace(second=59, microsecond=999_999),
    )
    counted = _minutes(stored).annotate(Count("media", distinct=True))
    return sum(count for account, at, count in counted if (account, at) in minutes)


def _minutes(attempts: QuerySet[FetchAttempt]) -> QuerySet[FetchAttempt, tuple[str, datetime]]:
    minute = attempts.order_by().annotate(minute=TruncMinute("started_at"))
    return minute.values_list("media__account_sid", "minute")


def _lag_p95_s(media: MediaQuerySet) -> float | None:
    (value,) = media.aggregate(value=Percentiles("queue_lag_s", (0.95,)))["value"] or (None,)
    return value
