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
# What pages offer, in their order; the days are those of TIME_ZONE.
PERIODS = {
    "1h": "1 h",
    "24h": "24 h",
    "today": "today",
    "yesterday": "yesterday",
    "7d": "7 d",
    "30d": "30 d",
}
DEFAULT = "7d"
# As the end of a sentence about what happened.
IN_WORDS = {
    "1h": "in the last hour",
    "24h": "in the last 24 hours",
    "today": "today",
    "yesterday": "yesterday",
    "7d": "in the last 7 days",
    "30d": "in the last 30 days",
}
# Twilio was founded in 2008. Beyond these bounds the arithmetic of the charts overflows.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)


class InvalidPeriod(ValueError):
    """Parameters that are not a period; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Period:
    """The half-open interval from `since` to `until`; both aware, in UTC.

    `name` is its key in PERIODS if it is relative to the present, else empty.
    """

    since: datetime
    until: datetime
    name: str = ""

    @classmethod
    def from_query(cls, params: Mapping[str, str], now: datetime) -> Self:
        """Return the period of these GET parameters, by default the last 7 days.

        Either `period` is a key of PERIODS, or `since` and `until` are ISO 8601 times, of which
        one may be missing; without an offset they are in TIME_ZONE. Raises InvalidPeriod.
        """
        since, until = (params.get(key, "").strip() for key in ("since", "until"))
        if not since and not until:
            return cls.named(params.get("period") or DEFAULT, now)
        end = _bounded(parse_time(until)) if until else now
        start = _bounded(parse_time(since)) if since else end - LENGTHS[DEFAULT]
        if start >= end:
            raise InvalidPeriod("The period ends before it begins: swap since and until.")
        return cls(start, end)

    @classmethod
    def named(cls, name: str, now: datetime) -> Self:
        """Return the period of this name: yesterday, or one that ends now.

        Raises InvalidPeriod if PERIODS lacks the name.
        """
        if name not in PERIODS:
            known = ", ".join(PERIODS)
            raise InvalidPeriod(f"There is no period {name!r}; use one of {known}.")
        if name in LENGTHS:
            return cls(now - LENGTHS[name], now, name)
        today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
        if name == "today":
            return cls(today.astimezone(UTC), now, name)
        # Subtracted in local time, not in UTC: a day may have 23 or 25 hours.
        yesterday = today - timedelta(days=1)
        return cls(yesterday.astimezone(UTC), today.astimezone(UTC), name)

    @property
    def length(self) -> timedelta:
        return self.until - self.since

    @property
    def words(self) -> str:
        """The end of a sentence: "in the last 7 days", or "in this period"."""
        return IN_WORDS.get(self.name, "in this period")

    def preceding(self) -> Period:
        """Return the period of the same length that ends where this one begins."""
        return Period(self.since - self.length, self.since)

    def params(self) -> dict[str, str]:
        """Return the GET parameters of this period, the inverse of `from_query`."""
        if self.name:
            return {"period": self.name}
        return {"since": self.since.isoformat(), "until": self.until.isoformat()}

    def query(self, **others: str) -> str:
        """Return this period and other GET parameters as a query string."""
        return urlencode({**others, **self.params()})


def _bounded(at: datetime) -> datetime:
    if not EARLIEST <= at <= LATEST:
        raise InvalidPeriod(f"{at:%Y-%m-%d} is not between {EARLIEST:%Y} and {LATEST:%Y}.")
    return at


def parse_time(text: str) -> datetime:
    """Return an ISO 8601 time from a GET parameter as UTC; raise InvalidPeriod."""
    # An unescaped plus sign arrives as a space.
    text = text.replace(" ", "+") if text.rpartition(" ")[2].count(":") == 1 else text
    try:
        at = datetime.fromisoformat(text)
        return (at if timezone.is_aware(at) else timezone.make_aware(at)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidPeriod(
            f"{text!r} is not a time; write for example 2026-01-31T12:00 or "
            "2026-01-31T12:00:00+00:00."
        ) from None
