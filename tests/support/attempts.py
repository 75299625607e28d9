"""Attempts that are made a given time after a webhook received at noon."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import time_machine

from mediapipe.models import MediaItem
from mediapipe.providers.base import Body, Evidence
from tests.support.make import NOON


def at(after_s: float) -> time_machine.travel:
    return time_machine.travel(NOON + timedelta(seconds=after_s), tick=False)


def attempt(item: MediaItem, after_s: float) -> MediaItem:
    """Claim the item this many seconds after its webhook."""
    with at(after_s):
        MediaItem.objects.filter(pk=item.pk).update(next_attempt_at=NOON)
        claimed = MediaItem.claim(item.pk, task_id=f"task-{after_s}", worker="celery@here")
    assert claimed is not None
    return claimed


def stored(item: MediaItem, after_s: float, **changes: Any) -> MediaItem:
    """Store the item this many seconds after its webhook; return it as it is afterwards."""
    with at(after_s):
        found = Evidence(http_status=200, found_at=NOON + timedelta(seconds=after_s))
        names = {"content_type": "image/jpeg", "storage_name": "a/b.jpg"} | changes
        body = Body(size=3, sha256="ab" * 32, head=b"abc")
        attempt(item, after_s).mark_stored(found, body, **names)
    item.refresh_from_db()
    return item
