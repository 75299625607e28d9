from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db.models import Model, QuerySet

from mediapipe.lifecycle.erasure.target import SIDS, ErasureTarget
from mediapipe.models import BulkJob, Heartbeat, WebhookEvent
from mediapipe.models.chunks import in_chunks
from mediapipe.models.heartbeats import WORKER
from mediapipe.webhooks import spool

# Columns with the search terms of users, which may be addresses, by their key in the receipt.
SEARCH_TERMS: tuple[tuple[str, type[Model], tuple[str, ...]], ...] = (
    ("log_entries", LogEntry, ("object_repr", "change_message")),
    ("retry_jobs", BulkJob, ("chosen",)),
)
REPLACEMENT = "(erased)"


def count_traces(target: ErasureTarget, events: Iterable[WebhookEvent]) -> dict[str, int]:
    """Return how many spooled webhooks and rows would be erased, by their key in the receipt."""
    spooled = spool.erase(_matcher(target, events), dry_run=True).count
    rows = {name: len(list(_rows(target, model, texts))) for name, model, texts in SEARCH_TERMS}
    return {"spooled_webhooks": spooled, **rows}


def spools(target: ErasureTarget) -> dict[str, Any]:
    """Return for the receipt which spool was searched, and which ones were out of reach."""
    here = socket.gethostname()
    workers = Heartbeat.objects.workers().values_list("part", flat=True)
    hosts = {part.removeprefix(WORKER).rpartition("@")[2] for part in workers}
    option = target.name.replace("_", "-")
    return {
        "searched": {"host": here, "directory": str(settings.SPOOL_DIR)},
        "not_readable": spool.erase(target.occurs_in, dry_run=True).unreadable,
        "not_searched": {
            "other_hosts_seen": sorted(hosts - {here}),
            "to_do": "Each host that runs web keeps a spool of its own on its disk. Repeat this on"
            f" every other one: manage.py forget --{option} ... --by ...",
        },
    }


def erase_traces(target: ErasureTarget, events: Iterable[WebhookEvent]) -> None:
    """Remove matching webhooks from the spool, and replace the address in search terms."""
    spool.erase(_matcher(target, events), dry_run=False)
    for _, model, texts in SEARCH_TERMS:
        for row in _rows(target, model, texts):
            for text in texts:
                setattr(row, text, target.replaced_in(getattr(row, text), REPLACEMENT))
            row.save(update_fields=texts)


def _matcher(target: ErasureTarget, events: Iterable[WebhookEvent]) -> spool.Matches:
    sids = {event.subject_sid for event in events}
    return lambda text: target.occurs_in(text) or any(sid in text for sid in sids)


def _rows(target: ErasureTarget, model: type[Model], texts: tuple[str, ...]) -> Iterator[Any]:
    # SIDs stay, as they do on events and media: they identify no person.
    if target.name in SIDS:
        return
    rows: QuerySet[Any] = model._default_manager.order_by("pk")
    for row in in_chunks(rows):
        if any(target.occurs_in(getattr(row, text)) for text in texts):
            yield row
