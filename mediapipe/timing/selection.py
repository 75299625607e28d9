from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from mediapipe.models import MediaItem, WebhookEvent
from mediapipe.models.distinct import distinct_values
from mediapipe.models.events import EventQuerySet
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.providers.base import Kind
from mediapipe.timing.period import Period

# The media list has the same filters, so a chart can link to exactly its rows.
FILTERS = ("account_sid", "kind", "content_type")


@dataclass(frozen=True, slots=True)
class Selection:
    """The media items of a period, optionally of one account, kind or content type."""

    period: Period
    account_sid: str = ""
    kind: str = ""
    content_type: str = ""

    @classmethod
    def from_query(cls, params: Mapping[str, str], now: datetime) -> Self:
        """Return the selection of these GET parameters; raise InvalidPeriod."""
        filters = {name: params.get(f"{name}__exact", "")[:255] for name in FILTERS}
        return cls(Period.from_query(params, now), **filters)

    @property
    def filters(self) -> dict[str, str]:
        """The filters that are set, as parameters of the media list."""
        pairs = ((f"{name}__exact", getattr(self, name)) for name in FILTERS)
        return {name: value for name, value in pairs if value}

    def query(self, **others: str) -> str:
        """Return the query string for these media items, filtered further by `others`."""
        return self.period.query(**self.filters, **others)

    def media(self) -> MediaQuerySet:
        return MediaItem.objects.filter(**self._within(), **self.filters)

    def webhooks(self) -> EventQuerySet:
        """Return the webhooks received, without repeats.

        Webhooks have no content type, so that filter is ignored.
        """
        filters = {key: value for key, value in self.filters.items() if "content_type" not in key}
        return WebhookEvent.objects.filter(**self._within(), **filters)

    def within(self, period: Period) -> Selection:
        """Return the same selection for another period."""
        return replace(self, period=period)

    def _within(self) -> dict[str, datetime]:
        return {"received_at__gte": self.period.since, "received_at__lt": self.period.until}


def filter_choices() -> dict[str, list[tuple[str, str]]]:
    """Return the choices of each filter, as value and label."""
    accounts = distinct_values(MediaItem, "account_sid")
    types = distinct_values(MediaItem, "content_type")
    kinds: list[Any] = [(kind.value, kind.title()) for kind in Kind]
    return {
        "account_sid": [(sid, sid) for sid in accounts],
        "kind": kinds,
        "content_type": [(content_type, content_type) for content_type in types],
    }
