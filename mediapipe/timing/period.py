"""From when to when: the period that a view, a list or a link is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from urllib.parse import urlencode

from django.utils import timezone

LENGTHS = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
DEFAULT = "24h"


class PeriodUnreadable(ValueError):
    """What was asked for is no period; the message is one sentence for the person who asked."""


@dataclass(frozen=True, slots=True)
class Period:
    """The time from `since` up to, but not including, `until`; both aware, in UTC.

    `name` is its key in LENGTHS if it ends now and goes along with the clock, else empty.
    """

    since: datetime
    until: datetime
    name: str = ""

    @classmethod
    def read(cls, params: Mapping[str, str], now: datetime) -> Self:
        """Return the period that GET parameters ask for, the last 24 hours if they do not.

        Either `period` names one that ends now, or `since` and `until` are ISO 8601 times, of
        which one may be missing; one without an offset is in TIME_ZONE. Raise PeriodUnreadable.
        """
        since, until = (params.get(key, "").strip() for key in ("since", "until"))
        if not since and not until:
            return cls.named(params.get("period") or DEFAULT, now)
        end = moment(until) if until else now
        start = moment(since) if since else end - LENGTHS[DEFAULT]
        if start >= end:
            raise PeriodUnreadable("The period ends before it begins: exchange since and until.")
        return cls(start, end)

    @classmethod
    def named(cls, name: str, now: datetime) -> Self:
        """Return the period of this name that ends now; raise PeriodUnreadable."""
        if name not in LENGTHS:
            known = ", ".join(LENGTHS)
            raise PeriodUnreadable(f"There is no period {name!r}; write one of {known}.")
        return cls(now - LENGTHS[name], now, name)

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.until - self.since

    def before(self) -> Period:
        """Return the period of the same length that ends where this one begins."""
        return Period(self.since - self.length, self.since)

    def params(self) -> dict[str, str]:
        """Return the GET parameters that `read` makes this period of."""
        if self.name:
            return {"period": self.name}
        return {"since": self.since.isoformat(), "until": self.until.isoformat()}

    def query(self, **others: str) -> str:
        """Return this period and other GET parameters as the query of a link."""
        return urlencode({**others, **self.params()})


def moment(text: str) -> datetime:
    """Return an ISO 8601 time of a GET parameter as UTC; raise PeriodUnreadable."""
    # A plus sign that was not escaped arrives as a space.
    text = text.replace(" ", "+") if text.rpartition(" ")[2].count(":") == 1 else text
    try:
        at = datetime.fromisoformat(text)
        return (at if timezone.is_aware(at) else timezone.make_aware(at)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PeriodUnreadable(
            f"{text!r} is no time; write for example 2026-01-31T12:00 or 2026-01-31T12:00:00+00:00."
        ) from None
