"""What happened within a period, account by account."""

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
    """The media of one account, or of the whole service where `account_sid` is empty.

    `late` had an early 404, `webhooks_late` are the webhooks that announced those, `found` were
    seen by our credentials. `p95_s` is the propagation delay that 95 % did not exceed for all
    we know, in seconds: counted up to the last 404, so that no lag of ours is in it.
    """

    account_sid: str = ""
    media: int = 0
    late: int = 0
    webhooks_late: int = 0
    found: int = 0
    p95_s: float = 0.0

    @property
    def late_share(self) -> float:
        """Which share of the media was late, from 0 to 1."""
        return self.late / self.media if self.media else 0.0


def window(now: datetime) -> Period:
    """Return the ESCALATION_WINDOW that ends now."""
    return Period(now - timedelta(seconds=settings.ESCALATION_WINDOW_S), now)


def ending(period: Period, share: float) -> Period:
    """Return this share of the period at its end, which tells earlier that something is over."""
    return Period(period.until - period.length * share, period.until)


def received(period: Period, account_sid: str = "") -> MediaQuerySet:
    """Return the media whose webhooks came in within the period, of one account or of all."""
    media = MediaItem.objects.filter(received_at__gte=period.since, received_at__lt=period.until)
    return media.filter(account_sid=account_sid) if account_sid else media


def by_account(period: Period) -> dict[str, Counts]:
    """Return the counts of each account with media in the period, in one query."""
    rows = received(period).order_by().values("account_sid").annotate(**_columns())
    return {row["account_sid"]: _counted(row) for row in rows}


def together(media: MediaQuerySet) -> Counts:
    """Return the counts of these media as those of the whole service."""
    return _counted({"account_sid": "", **media.aggregate(**_columns())})


def total(counts: Iterable[Counts]) -> Counts:
    """Return the sum of the counts; there is no sum of percentiles."""
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


def _counted(row: Mapping[str, Any]) -> Counts:
    counts = {name: row[name] for name in ("media", "late", "webhooks_late", "found")}
    return Counts(row["account_sid"], **counts, p95_s=row["p95"][0] if row["p95"] else 0.0)
