from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count

from mediapipe.models import MediaItem
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.models.media.queryset import EARLY_404, EXPLAINED, FOUND
from mediapipe.models.percentiles import Percentiles
from mediapipe.timing.period import Period

PROPAGATED = ~EXPLAINED
LATE = EARLY_404 & PROPAGATED


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of one account's media, or of the whole service's if `account_sid` is empty.

    `late` media had an early 404, `webhooks_late` are the webhooks that announced those, and
    `found` media were seen with our credentials. `p95_s` is the p95 of the propagation delay in
    seconds, measured up to the last 404 so that it does not include our own queue lag.
    """

    account_sid: str = ""
    media: int = 0
    late: int = 0
    webhooks_late: int = 0
    found: int = 0
    p95_s: float = 0.0

    @property
    def late_share(self) -> float:
        """The share of the media that was late, from 0 to 1."""
        return self.late / self.media if self.media else 0.0


def escalation_window(now: datetime) -> Period:
    """Return the ESCALATION_WINDOW that ends now."""
    return Period(now - timedelta(seconds=settings.ESCALATION_WINDOW_S), now)


def tail(period: Period, share: float) -> Period:
    """Return the last part of the period, `share` of it, which shows a recovery earlier."""
    return Period(period.until - period.length * share, period.until)


def received(period: Period, account_sid: str = "") -> MediaQuerySet:
    """Return the media received within the period, of one account or of all."""
    media = MediaItem.objects.filter(received_at__gte=period.since, received_at__lt=period.until)
    return media.filter(account_sid=account_sid) if account_sid else media


def by_account(period: Period) -> dict[str, Counts]:
    """Return the counts of each account with media in the period; one query."""
    rows = received(period).order_by().values("account_sid").annotate(**_columns())
    return {row["account_sid"]: _counts(row) for row in rows}


def count_media(media: MediaQuerySet) -> Counts:
    """Return the counts of these media, of whichever accounts."""
    return _counts({"account_sid": "", **media.aggregate(**_columns())})


def sum_counts(counts: Iterable[Counts]) -> Counts:
    """Return the sums, without a p95: percentiles cannot be added."""
    rows = list(counts)
    return Counts(
        media=sum(row.media for row in rows),
        late=sum(row.late for row in rows),
        webhooks_late=sum(row.webhooks_late for row in rows),
        found=sum(row.found for row in rows),
    )


def _columns() -> dict[str, Count | Percentiles]:
    return {
        "media": Count("pk"),
        "late": Count("pk", filter=LATE),
        "webhooks_late": Count("event", filter=LATE, distinct=True),
        "found": Count("pk", filter=FOUND),
        "p95": Percentiles("delay_at_least_s", (0.95,), filter=PROPAGATED),
    }


def _counts(row: Mapping[str, Any]) -> Counts:
    counts = {name: row[name] for name in ("media", "late", "webhooks_late", "found")}
    return Counts(row["account_sid"], **counts, p95_s=row["p95"][0] if row["p95"] else 0.0)
