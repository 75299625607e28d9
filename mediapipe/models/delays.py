from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Protocol


class Timed(Protocol):
    """The times of one media item, as stored in its row."""

    received_at: datetime
    first_attempt_at: datetime | None
    last_not_found_at: datetime | None
    found_at: datetime | None
    reconciled_at: datetime | None


@dataclass(slots=True)
class Times:
    """The times of a media item as they will be once its row is written."""

    received_at: datetime
    first_attempt_at: datetime | None
    last_not_found_at: datetime | None
    found_at: datetime | None
    reconciled_at: datetime | None

    @classmethod
    def copy(cls, media: Timed, **changes: datetime | None) -> Times:
        """Return the times of this item with these changes."""
        return cls(**{field.name: getattr(media, field.name) for field in fields(cls)} | changes)


@dataclass(frozen=True, slots=True)
class Span:
    """A delay that is only known to lie between two bounds, in seconds."""

    at_least_s: float
    at_most_s: float

    def __str__(self) -> str:
        if not self.at_least_s:
            return f"at most {self.at_most_s:.2f} s"
        return f"{self.at_least_s:.2f} to {self.at_most_s:.2f} s"


def queue_lag_s(media: Timed) -> float | None:
    """Return the seconds from webhook to first attempt: our part of the delay.

    None before the first attempt, and for media found by reconciliation: it had no webhook.
    """
    if media.first_attempt_at is None or media.reconciled_at is not None:
        return None
    return _since_webhook_s(media, media.first_attempt_at)


def span(media: Timed) -> Span | None:
    """Return how long after the webhook the media became available: Twilio's part.

    That was between the last 404 and the first non-404 response. None until there is one, and if
    there was no webhook.
    """
    if media.found_at is None:
        return None
    at_least_s = waited_s(media)
    if at_least_s is None:
        return None
    return Span(at_least_s, max(at_least_s, _since_webhook_s(media, media.found_at)))


def waited_s(media: Timed) -> float | None:
    """Return how many seconds after the webhook the media is known to have been unavailable.

    None if there was no webhook.
    """
    if media.reconciled_at is not None:
        return None
    return max(0.0, _since_webhook_s(media, media.last_not_found_at or media.received_at))


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the value below which this share (0 to 1) lies; None without values.

    Interpolates linearly between neighbours, as PostgreSQL's percentile_cont does.
    """
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _since_webhook_s(media: Timed, moment: datetime) -> float:
    return (moment - media.received_at).total_seconds()
