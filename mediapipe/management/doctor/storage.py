from __future__ import annotations

import secrets
from collections.abc import Iterator

from django.conf import settings

from mediapipe.failures import StorageFailed
from mediapipe.fetching import storage
from mediapipe.management.doctor.findings import Finding, ok
from mediapipe.management.doctor.issues import Issue

CONTENT = b"written by manage.py doctor; may be deleted\n"


def check_storage() -> Iterator[Finding]:
    """Write a file to the storage as media are written, read it back, delete it."""
    where = settings.STORAGE_URL or f"MEDIA_ROOT {settings.MEDIA_ROOT}"
    try:
        name = write_probe()
        if _read(name) != CONTENT:
            yield Issue.STORAGE_FAILED.found(where, message="a file was read back differently")
    except StorageFailed as failure:
        yield Issue.STORAGE_FAILED.found(where, message=f"cannot store a file: {failure.detail}")
        return
    try:
        storage.remove(name)
    except StorageFailed as failure:
        yield Issue.STORAGE_UNDELETABLE.found(f"{where}: {failure.detail}")
        return
    yield ok("a file was written, read and deleted", where)


def write_probe() -> str:
    """Write a small file under a new name and return the name; raise StorageFailed."""
    name = f"doctor/{secrets.token_hex(8)}.txt"
    with storage.temporary_file() as file:
        file.write(CONTENT)
        storage.keep(file, name)
    return name


def _read(name: str) -> bytes:
    try:
        with storage.open_stored(name) as file:
            return file.read()
    except OSError as error:
        raise StorageFailed(type(error).__name__) from error
