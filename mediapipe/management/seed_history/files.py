from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from django.conf import settings

from mediapipe.management.seed_history.samples import sample
from mediapipe.models import MediaItem, Status

# Each file takes a folder of its own. Older items have no file, as after retention.
MAX_FILES = 5000


class Files:
    """The files of the newest media items, each a hard link to the first of its type.

    With object storage there are none. Stored media without a file is marked as purged at the end
    of the history.
    """

    def __init__(self, media: int, until: datetime) -> None:
        """Prepare for a history of this many media items that ends at `until`."""
        self._without = media if settings.STORAGE_URL else media - MAX_FILES
        self._until = until
        self._seen = 0
        self._first: dict[str, Path] = {}
        self._digests: dict[str, str] = {}

    def add(self, item: MediaItem) -> None:
        """Give the next item of the history its hash and its file, if it is stored."""
        self._seen += 1
        if item.status != Status.STORED:
            return
        content = sample(item.content_type)
        if item.content_type not in self._digests:
            self._digests[item.content_type] = hashlib.sha256(content).hexdigest()
        item.sha256 = self._digests[item.content_type]
        if self._seen > self._without:
            self._write(item, content)
        else:
            item.purged_at, item.storage_name = self._until, ""

    def _write(self, item: MediaItem, content: bytes) -> None:
        path = Path(settings.MEDIA_ROOT) / item.storage_name
        path.parent.mkdir(parents=True, exist_ok=True)
        first = self._first.setdefault(item.content_type, path)
        if first == path:
            path.write_bytes(content)
        else:
            # An earlier run with the same seed made the same file.
            with suppress(FileExistsError):
                os.link(first, path)
