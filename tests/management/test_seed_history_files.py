from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from mediapipe.fetching.storage import read_size_and_hash
from mediapipe.management.seed_history import files
from mediapipe.management.seed_history.arrivals import MESSAGE_TYPES, RECORDING_TYPE
from mediapipe.management.seed_history.samples import sample
from mediapipe.models import MediaItem, WebhookEvent

pytestmark = pytest.mark.django_db

UNTIL = datetime(2026, 7, 1, 12, tzinfo=UTC)
MAGIC = {
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG",
    "image/gif": b"GIF89a",
    "audio/ogg": b"OggS",
    "audio/wav": b"RIFF",
    "application/pdf": b"%PDF-1.4",
    "text/vcard": b"BEGIN:VCARD",
    "video/mp4": b"\0\0\0\x14ftyp",
}


def seed(media: int, **options: Any) -> None:
    call_command(
        "seed_history", media=media, until=UNTIL, **options, stdout=StringIO(), stderr=StringIO()
    )


def test_every_stored_item_has_its_file() -> None:
    seed(200)
    stored = MediaItem.objects.exclude(storage_name="")
    assert stored.count() > 150
    for item in stored:
        assert read_size_and_hash(item.storage_name) == (item.size, item.sha256)


def test_the_last_attempt_received_as_many_bytes_as_the_file_has() -> None:
    seed(100)
    for item in MediaItem.objects.exclude(storage_name="").prefetch_related("attempt_set"):
        assert list(item.attempt_set.all())[-1].bytes_received == item.size


def test_only_the_newest_media_has_files_and_the_rest_was_purged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files, "MAX_FILES", 20)
    seed(100)
    kept = MediaItem.objects.exclude(storage_name="")
    assert 0 < kept.count() <= 20
    purged = MediaItem.objects.filter(storage_name="").exclude(retrieved_at=None)
    assert set(purged.values_list("purged_at", flat=True)) == {UNTIL}
    assert not purged.filter(received_at__gt=kept.earliest("received_at").received_at).exists()


def test_an_object_storage_gets_no_files(settings: Settings) -> None:
    settings.STORAGE_URL = "s3://bucket"
    seed(30)
    assert not MediaItem.objects.exclude(storage_name="").exists()
    assert not [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_a_run_that_finds_files_of_the_same_seed_has_correct_files() -> None:
    seed(30)
    WebhookEvent.objects.all().delete()
    seed(30, add=True)
    for item in MediaItem.objects.exclude(storage_name=""):
        assert read_size_and_hash(item.storage_name) == (item.size, item.sha256)


@pytest.mark.parametrize("content_type", [*dict(MESSAGE_TYPES), RECORDING_TYPE])
def test_every_content_type_has_a_small_sample_file_of_its_format(content_type: str) -> None:
    assert sample(content_type).startswith(MAGIC[content_type])
    assert len(sample(content_type)) <= 20_000
