from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator

from mediapipe.failures import StorageFailed
from mediapipe.fetching import storage
from mediapipe.management.doctor.findings import Finding, ok
from mediapipe.management.doctor.issues import Issue

CONTENT = b"written by manage.py doctor; may be deleted\n"


def check_storage() -> Iterator[Finding]:
    """Write a file to the storage in the same way as media, read it back, and delete it."""
    where = storage.storage_location()
    try:
        name = write_probe()
        if storage.read_size_and_hash(name) != (len(CONTENT), hashlib.sha256(CONTENT).hexdigest()):
            yield Issue.STORAGE_FAILED.found(
                where, message="a file was read back with different content"
            )
    except FileNotFoundError:
        yield Issue.STORAGE_FAILED.found(where, message="a file was written and then missing")
        return
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
