"""Storing files through Django's storage API: first a temporary file, then one rename or upload."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages

from mediapipe.failures import LeaseLost, StorageFailed
from mediapipe.fetching.storage_errors import explain

BLOCK_BYTES = 1024 * 1024


class Incoming(File[bytes]):
    """A finished temporary file; `on_progress` is called before each read of an upload."""

    def __init__(self, file: BinaryIO, on_progress: Callable[[], None]) -> None:
        super().__init__(file, name=file.name)
        self.on_progress = on_progress

    def read(self, size: int = -1) -> bytes:
        self.on_progress()
        return cast(BinaryIO, self.file).read(size)

    # Django's file storage moves a file that has this method.
    def temporary_file_path(self) -> str:
        return str(self.name)


def storage_name(
    *, account_sid: str, subject_sid: str, identity: str, received_at: datetime, extension: str
) -> str:
    """Return the name of a media file; no part of it comes from the sender.

    It depends only on the media item, so a second fetch overwrites the same file.
    """
    return f"{account_sid}/{received_at:%Y/%m/%d}/{subject_sid}/{identity}{extension}"


@contextmanager
def temporary_file() -> Iterator[BinaryIO]:
    """Yield a file to download into; in MEDIA_ROOT without a bucket, so that keep() is a rename.

    It is removed at the end unless it was kept. Raises StorageFailed if it cannot be created.
    """
    try:
        folder = incoming_folder()
        folder.mkdir(parents=True, exist_ok=True)
        file = tempfile.NamedTemporaryFile(dir=folder, delete=False)  # noqa: SIM115
    except OSError as error:
        raise StorageFailed(explain(error)) from error
    try:
        with file:
            yield cast(BinaryIO, file)
    finally:
        Path(file.name).unlink(missing_ok=True)


def keep(file: BinaryIO, name: str, on_progress: Callable[[], None] = lambda: None) -> None:
    """Store the finished file under this name, replacing an earlier copy; raise StorageFailed.

    `on_progress` is called before each block of an upload; a LeaseLost that it raises ends it.
    """
    try:
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        storages["media"].save(name, Incoming(file, on_progress))
    except LeaseLost:
        raise
    except Exception as error:
        # Each storage backend has its own exceptions; all of them mean that it failed.
        raise StorageFailed(explain(error)) from error


def open_stored(name: str, first: int = 0) -> IO[bytes]:
    """Return a stored file, opened for reading at byte `first`.

    Raise FileNotFoundError if it does not exist, StorageFailed on any other error.
    """
    try:
        file: Any = storages["media"].open(name)
        if s3_object := getattr(file, "obj", None):
            # django-storages would download the whole object for each range that a player requests.
            return cast(IO[bytes], s3_object.get(Range=f"bytes={first}-")["Body"])
        file.seek(first)
    except FileNotFoundError:
        raise
    except Exception as error:
        raise StorageFailed(explain(error)) from error
    return cast(IO[bytes], file)


def read_size_and_hash(name: str) -> tuple[int, str]:
    """Read a stored file to its end; return its size in bytes and its SHA-256 in hex.

    Raise FileNotFoundError if it does not exist, StorageFailed if it cannot be read.
    """
    size, digest = 0, hashlib.sha256()
    try:
        with closing(open_stored(name)) as file:
            while block := file.read(BLOCK_BYTES):
                size += len(block)
                digest.update(block)
    except (FileNotFoundError, StorageFailed):
        raise
    except Exception as error:
        raise StorageFailed(explain(error)) from error
    return size, digest.hexdigest()


def check_usable() -> None:
    """Raise StorageFailed if no download can begin, or if the bucket does not respond.

    Uploads nothing, because a versioned bucket would keep each test file forever.
    """
    with temporary_file() as file:
        try:
            file.write(b"usable")
            file.flush()
            os.fsync(file.fileno())
            storages["media"].exists("usable")
        except Exception as error:
            raise StorageFailed(explain(error)) from error


def exists(name: str) -> bool:
    """Return whether a stored file exists; True if the storage fails to say."""
    try:
        return storages["media"].exists(name)
    except Exception:
        # Each storage backend has its own exceptions, and none of them means that it is missing.
        return True


def remove(name: str) -> None:
    """Remove a stored file if it exists; raise StorageFailed if it cannot be removed."""
    try:
        storages["media"].delete(name)
    except Exception as error:
        raise StorageFailed(explain(error)) from error
    if settings.STORAGE_URL:
        return
    # Each message has its own folder, which may be empty now, as may that of the day.
    for folder in list(PurePosixPath(name).parents)[:-1]:
        try:
            (Path(settings.MEDIA_ROOT) / folder).rmdir()
        except OSError:
            # It is not empty, so neither are those above.
            return


def remove_leftovers(older_than: timedelta) -> int:
    """Remove downloads unchanged for `older_than`, left by workers that died; return how many."""
    oldest = time.time() - older_than.total_seconds()
    removed = 0
    for path in incoming_folder().glob("*"):
        # A worker may keep or remove its download at any moment.
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()
                removed += 1
    return removed


def storage_location() -> str:
    """Return where files are stored, as a text for users; it contains no credentials."""
    return settings.STORAGE_URL or f"MEDIA_ROOT {settings.MEDIA_ROOT}"


def incoming_folder() -> Path:
    """Return the folder of unfinished downloads."""
    if settings.STORAGE_URL:
        return Path(settings.DATA_DIR) / "incoming"
    return Path(settings.MEDIA_ROOT) / ".incoming"
