"""What a worker reads of a media item to claim it, by a query that is built once per process.

It runs for each attempt, and building it takes Django longer than PostgreSQL takes to answer.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from django.db.models import Exists, F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from mediapipe.models.accounts import AccountHealth
from mediapipe.models.events import WebhookEvent
from mediapipe.models.media.row import MediaRow

Item = TypeVar("Item", bound=MediaRow)

# What a request to the provider needs of an event; its other columns are loaded on access.
EVENT_FIELDS = ("provider", "account_sid", "subject_sid")


def read_for_claim(items: type[Item], pk: int) -> Item | None:
    """Return an item with `account_degraded`, `account_paused_s` and its event, or None."""
    sql, values = _query(items)
    rows = items._default_manager
    item = next(iter(rows.raw(sql, [*values, pk])), None)
    if item is not None:
        event = [vars(item).pop(f"event_{name}") for name in EVENT_FIELDS]
        item.event = WebhookEvent.from_db(rows.db, ["id", *EVENT_FIELDS], [item.event_id, *event])
    return item


@cache
def _query(items: type[MediaRow]) -> tuple[str, tuple[Any, ...]]:
    """Return the SQL and its parameters, without the last of them, which is the key."""
    health = AccountHealth.objects.filter(account_sid=OuterRef("account_sid"))
    columns: dict[str, Any] = {
        "account_degraded": Exists(health.degraded()),
        "account_paused_s": Coalesce(Subquery(health.values("paused_s")), 0.0),
    }
    columns |= {f"event_{name}": F(f"event__{name}") for name in EVENT_FIELDS}
    sql, values = items._default_manager.filter(pk=0).annotate(**columns).query.sql_with_params()
    return sql, values[:-1]
