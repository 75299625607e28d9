from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Max, Min, Q
from django.utils import timezone

from mediapipe.models import MediaItem
from mediapipe.models.media.item import MediaQuerySet

# The number of days before the period that the baseline covers.
BASELINE_DAYS = 14
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


class NothingToReport(Exception):
    """None of the media had an early 404; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Case:
    """The affected media, their accounts, and the period (UTC) in which they were received.

    `left_out` counts the chosen media whose 404s have another cause. Times are also shown in
    `zone`.
    """

    affected: MediaQuerySet
    left_out: int
    accounts: tuple[str, ...]
    since: datetime
    until: datetime
    zone: ZoneInfo

    def everything(self) -> MediaQuerySet:
        """Return all media of these accounts received within the period, late or not."""
        return self._received(Q(received_at__gte=self.since, received_at__lt=self.until))

    def baseline(self) -> MediaQuerySet:
        """Return the media of these accounts in the same hours of the BASELINE_DAYS before.

        For a period of a day or longer, all hours of those days count.
        """
        if self.until - self.since >= DAY:
            first = self.since - BASELINE_DAYS * DAY
            return self._received(Q(received_at__gte=first, received_at__lt=self.since))
        hours = Q()
        for days in range(1, BASELINE_DAYS + 1):
            since, until = self.since - days * DAY, self.until - days * DAY
            hours |= Q(received_at__gte=since, received_at__lt=until)
        return self._received(hours)

    def baseline_in_words(self) -> str:
        """Return the time of the baseline as a phrase for texts."""
        before = f"the {BASELINE_DAYS} days before"
        return before if self.until - self.since >= DAY else f"the same hours of {before}"

    def local(self, moment: datetime) -> datetime:
        """Return the moment with the offset that the zone had then."""
        return moment.astimezone(self.zone)

    def _received(self, when: Q) -> MediaQuerySet:
        return MediaItem.objects.filter(when, account_sid__in=self.accounts)


def build_case(
    media: MediaQuerySet,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    zone: ZoneInfo | None = None,
) -> Case:
    """Return the case of these media; raise NothingToReport if none had an early 404.

    Without `since` and `until` the period is the whole hours in which affected media was received,
    up to now; without `zone` it is TIME_ZONE.
    """
    # The admin's list has joins and an order, which would distort the aggregates.
    chosen = MediaItem.objects.filter(pk__in=media.order_by().values("pk"))
    with_404 = chosen.early_404()
    affected = with_404.unexplained()
    ends: dict[str, Any] = affected.aggregate(first=Min("received_at"), last=Max("received_at"))
    if ends["first"] is None:
        raise NothingToReport(_why_nothing(with_404))
    accounts = affected.order_by("account_sid").values_list("account_sid", flat=True).distinct()
    return Case(
        affected=affected,
        left_out=with_404.explained().count(),
        accounts=tuple(accounts),
        since=since or _hour(ends["first"]),
        until=until or min(_hour(ends["last"]) + HOUR, timezone.now()),
        zone=zone or ZoneInfo(settings.TIME_ZONE),
    )


def _why_nothing(with_404: MediaQuerySet) -> str:
    if with_404.exists():
        return (
            "Every 404 of these media items has another cause than slow propagation: "
            "see the filter “cause of 404s”."
        )
    return "None of the chosen media items had an early 404: there is nothing to report."


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
