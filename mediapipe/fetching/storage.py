"""Where the bytes go, over Django's storage API: first a temporary file, then one step."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages

from mediapipe.failures import StorageFailed

BLOCK_BYTES = 1024 * 1024


class Incoming(File[bytes]):
    """A finished temporary file; Django's file storage moves one that tells its path."""

    def temporary_file_path(self) -> str:
        return str(self.name)


def storage_name(
    *, account_sid: str, subject_sid: str, identity: str, received_at: datetime, extension: str
) -> str:
    """Return the name of a media file, made of our own words and never of the sender's.

    It depends on nothing but the media itself, so a second fetch overwrites the same file.
    """
    return f"{account_sid}/{received_at:%Y/%m/%d}/{subject_sid}/{identity}{extension}"


@contextmanager
def temporary_file() -> Iterator[BinaryIO]:
    """Yield a file to download into, beside the storage so that keeping it is a rename.

    It is removed at the end unless it was kept. Raise StorageFailed when there is no room.
    """
    try:
        folder = incoming_folder()
        folder.mkdir(parents=True, exist_ok=True)
        file = tempfile.NamedTemporaryFile(dir=folder, delete=False)  # noqa: SIM115
    except OSError as error:
        raise StorageFailed(f"{type(error).__name__}: {error.strerror}") from error
    try:
        with file:
            yield cast(BinaryIO, file)
    finally:
        Path(file.name).unlink(missing_ok=True)


def keep(file: BinaryIO, name: str) -> None:
    """Put the finished file into storage under this name, replacing an earlier copy.

    Raise StorageFailed if the storage does not take it.
    """
    try:
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        storages["media"].save(name, Incoming(file, name=file.name))
    except Exception as error:
        # Each storage back end has exceptions of its own; all of them mean that it failed.
        raise StorageFailed(type(error).__name__) from error


def opened(name: str, first: int = 0) -> IO[bytes]:
    """Return a stored file, open for reading from its byte `first` on.

    Raise FileNotFoundError when it is not there, StorageFailed when the storage does not say.
    """
    try:
        file: Any = storages["media"].open(name)
        if s3_object := getattr(file, "obj", None):
            # django-storages would load the whole object, for each range that a player asks for.
            return cast(IO[bytes], s3_object.get(Range=f"bytes={first}-")["Body"])
        file.seek(first)
    except FileNotFoundError:
        raise
    except Exception as error:
        raise StorageFailed(type(error).__name__) from error
    return cast(IO[bytes], file)


def measured(name: str) -> tuple[int, str]:
    """Read a stored file to its end; return its size in bytes and its SHA-256 in hex.

    Raise FileNotFoundError when it is not there, StorageFailed when it cannot be read.
    """
    size, digest = 0, hashlib.sha256()
    try:
        with closing(opened(name)) as file:
            while block := file.read(BLOCK_BYTES):
                size += len(block)
                digest.update(block)
    except (FileNotFoundError, StorageFailed):
        raise
    except Exception as error:
        # Each storage back end has exceptions of its own; all of them mean that it failed.
        raise StorageFailed(type(error).__name__) from error
    return size, digest.hexdigest()


def is_kept(name: str) -> bool:
    """Tell whether a stored file is still there; a storage that does not answer is believed."""
    try:
        return storages["media"].exists(name)
    except Exception:
        # Each storage back end has exceptions of its own, and none of them says that it is gone.
        return True


def remove(name: str) -> None:
    """Remove a stored file, if it is there; raise StorageFailed if it cannot be removed."""
    try:
        storages["media"].delete(name)
    except Exception as error:
        raise StorageFailed(type(error).__name__) from error
    if not settings.STORAGE_URL:
        _remove_empty_folders(name)


def _remove_empty_folders(name: str) -> None:
    """Remove the folders of this file that have become empty: each message has one of its own."""
    for folder in list(PurePosixPath(name).parents)[:-1]:
        try:
            (Path(settings.MEDIA_ROOT) / folder).rmdir()
        except OSError:
            # There is more in it, and so in those above.
            return


def remove_leftovers(older_than: timedelta) -> int:
    """Remove the unfinished downloads of workers that died; return how many there were."""
    oldest = time.time() - older_than.total_seconds()
    leftovers = [path for path in incoming_folder().glob("*") if path.stat().st_mtime < oldest]
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)


def incoming_folder() -> Path:
    """Return the folder of unfinished downloads."""
    if settings.STORAGE_URL:
        return Path(settings.DATA_DIR) / "incoming"
    return Path(settings.MEDIA_ROOT) / ".incoming"
