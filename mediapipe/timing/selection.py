"""Which media a question is about: those of a period, and perhaps of an account, kind or type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from mediapipe.models import MediaItem, WebhookEvent
from mediapipe.models.distinct import distinct_values
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.providers.base import Kind
from mediapipe.timing.period import Period

# As the media list calls them, so that a chart and a list speak of the same rows.
FILTERS = ("account_sid", "kind", "content_type")


@dataclass(frozen=True, slots=True)
class Selection:
    """A period and what is wanted of it; an empty text wants everything."""

    period: Period
    account_sid: str = ""
    kind: str = ""
    content_type: str = ""

    @classmethod
    def read(cls, params: Mapping[str, str], now: datetime) -> Self:
        """Return what GET parameters ask for; raise PeriodUnreadable."""
        wanted = {name: params.get(f"{name}__exact", "")[:255] for name in FILTERS}
        return cls(Period.read(params, now), **wanted)

    @property
    def wanted(self) -> dict[str, str]:
        """Return the filters that are set, in the words of the media list's links."""
        pairs = ((f"{name}__exact", getattr(self, name)) for name in FILTERS)
        return {name: value for name, value in pairs if value}

    def query(self, **others: str) -> str:
        """Return the query of a link to these media, narrowed down further by `others`."""
        return self.period.query(**self.wanted, **others)

    def media(self) -> MediaQuerySet:
        """Return the media items that the webhooks of the period announced."""
        return MediaItem.objects.filter(**self._within(), **self.wanted)

    def webhooks(self) -> int:
        """Return how many webhooks came in, each repetition left out.

        A webhook has no content type, so this counts all of them.
        """
        wanted = {name: value for name, value in self.wanted.items() if "content_type" not in name}
        return WebhookEvent.objects.filter(**self._within(), **wanted).count()

    def _within(self) -> dict[str, datetime]:
        return {"received_at__gte": self.period.since, "received_at__lt": self.period.until}


def choices() -> dict[str, list[tuple[str, str]]]:
    """Return what can be chosen of each filter, as value and label."""
    accounts = distinct_values(MediaItem, "account_sid")
    types = distinct_values(MediaItem, "content_type")
    kinds: list[Any] = [(kind.value, kind.title()) for kind in Kind]
    return {
        "account_sid": [(sid, sid) for sid in accounts],
        "kind": kinds,
        "content_type": [(content_type, content_type) for content_type in types],
    }
