"""Whether a file can be written to the storage, read again and deleted, as media will be."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from django.conf import settings

from mediapipe.failures import StorageFailed
from mediapipe.fetching import storage
from mediapipe.management.doctor.findings import Finding, fine
from mediapipe.management.doctor.issues import Trouble

CONTENT = b"written by manage.py doctor; may be deleted\n"


def examine() -> Iterator[Finding]:
    """Yield how one file fared, of which nothing is left."""
    name, where = new_name(), settings.STORAGE_URL or f"MEDIA_ROOT {settings.MEDIA_ROOT}"
    try:
        write(name)
        if _read(name) != CONTENT:
            yield Trouble.STORAGE_FAILED.found(where, what="a file came back other than it was")
    except StorageFailed as failure:
        yield Trouble.STORAGE_FAILED.found(where, what=f"no file can be kept: {failure.detail}")
        return
    try:
        storage.remove(name)
    except StorageFailed as failure:
        yield Trouble.STORAGE_UNDELETABLE.found(f"{where}: {failure.detail}")
        return
    yield fine("a file was written, read and deleted", where)


def new_name() -> str:
    """Return the name of a file that nobody else has."""
    return f"doctor/{secrets.token_hex(8)}.txt"


def write(name: str) -> None:
    """Write the doctor's file; raise StorageFailed."""
    with storage.temporary_file() as file:
        file.write(CONTENT)
        storage.keep(file, name)


def _read(name: str) -> bytes:
    try:
        with storage.opened(name) as file:
            return file.read()
    except OSError as error:
        raise StorageFailed(type(error).__name__) from error
