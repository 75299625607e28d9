"""What a worker reads of a media item to claim it, by a query that is put together once.

It is run for each attempt, and Django takes longer to put it together than a database to answer.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, F, OuterRef

from mediapipe.models.accounts import AccountHealth
from mediapipe.models.events import WebhookEvent

if TYPE_CHECKING:
    from mediapipe.models.media.item import MediaItem

# What a request to the provider needs to know of an event; all else is read when it is asked for.
EVENT_FIELDS = ("provider", "account_sid", "subject_sid")


def to_claim(items: type[MediaItem], pk: int) -> MediaItem | None:
    """Return an item, and whether its account is `troubled`; None if there is no such row."""
    sql, values = _query(items)
    item = next(iter(items.objects.raw(sql, [*values, pk])), None)
    if item is not None:
        event = [vars(item).pop(f"event_{name}") for name in EVENT_FIELDS]
        database = items.objects.db
        item.event = WebhookEvent.from_db(database, ["id", *EVENT_FIELDS], [item.event_id, *event])
    return item


@cache
def _query(items: type[MediaItem]) -> tuple[str, tuple[Any, ...]]:
    """Return the query and its values, without the last of them, which is the key."""
    trouble = AccountHealth.objects.filter(account_sid=OuterRef("account_sid"))
    known: dict[str, Any] = {"account_degraded": Exists(trouble)}
    known |= {f"event_{name}": F(f"event__{name}") for name in EVENT_FIELDS}
    rows = items.objects.filter(pk=0).annotate(**known)
    sql, values = rows.query.sql_with_params()
    return sql, values[:-1]
