"""Stored media, and rows old enough to be deleted."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.db.models import F
from pytest_django import Settings

from mediapipe.models import FetchAttempt, MediaItem, WebhookEvent
from mediapipe.providers.base import Body, Evidence
from tests.support import make

OLD = timedelta(days=40)
KINDS = ("PAYLOADS", "ATTEMPTS", "FILES", "RESULTS")


def files(settings: Settings) -> list[Path]:
    """Return the files in the media folder."""
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def purge_output(*arguments: str) -> list[str]:
    """Return the lines that `manage.py purge` prints."""
    output = io.StringIO()
    call_command("purge", *arguments, stdout=output)
    return output.getvalue().splitlines()


def counts(**deleted: int) -> dict[str, int]:
    """Return the counts that a purge reports: 0 for every kind that is not given."""
    names = [*(kind.lower() for kind in KINDS), "hand_offs"]
    names += ["gateway_requests", "gateway_deliveries"]
    return {name: deleted.get(name, 0) for name in names}


def age(by: timedelta = OLD) -> None:
    """Move every timestamp in the database back by this much."""
    moments = {
        WebhookEvent: ("received_at", "last_repeat_at"),
        MediaItem: ("received_at", "retrieved_at", "failed_at"),
        FetchAttempt: ("started_at",),
    }
    for model, fields in moments.items():
        model._default_manager.update(**{field: F(field) - by for field in fields})


def stored() -> MediaItem:
    """Return a stored picture, with its file."""
    item = make.claimed()
    name = f"{make.ACCOUNT}/2026/01/31/{item.event.subject_sid}/{item.identity}.jpg"
    storages["media"].save(name, ContentFile(b"abc"))
    item.mark_stored(
        Evidence(http_status=200),
        Body(size=3, sha256="ab" * 32, head=b"abc"),
        content_type="image/jpeg",
        storage_name=name,
    )
    item.refresh_from_db()
    return item
