"""Whether there is room, and whether the spool could take a webhook and keep it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from mediapipe.management.doctor.findings import Finding, fine
from mediapipe.management.doctor.issues import Trouble

LOW_BYTES = 1024**3
LOW_SHARE = 0.05
# What the kernel keeps in memory; an overlay is the root of a container and goes with it as well,
# but there the image has a volume for it.
IN_MEMORY = {"tmpfs", "ramfs"}
MOUNTS = Path("/proc/self/mounts")


def examine() -> Iterator[Finding]:
    """Yield how much room there is, once for each disk, and how the spool is."""
    seen: set[int] = set()
    for name, folder in _folders().items():
        there = _nearest(folder)
        if there.stat().st_dev not in seen:
            seen.add(there.stat().st_dev)
            yield _room(name, there)
    yield from _spool(Path(settings.SPOOL_DIR))


def _folders() -> dict[str, Path]:
    folders = {"DATA_DIR": Path(settings.DATA_DIR), "SPOOL_DIR": Path(settings.SPOOL_DIR)}
    return folders if settings.STORAGE_URL else folders | {"MEDIA_ROOT": Path(settings.MEDIA_ROOT)}


def _room(name: str, folder: Path) -> Finding:
    usage = shutil.disk_usage(folder)
    room, where = f"{filesizeformat(usage.free)} free", f"{name} {folder}"
    if usage.free < settings.MEDIA_MAX_BYTES:
        return Trouble.DISK_FULL.found(where, what=f"{room}, a media file may be larger")
    if usage.free < LOW_BYTES or usage.free < LOW_SHARE * usage.total:
        return Trouble.DISK_LOW.found(where, what=room)
    return fine(room.replace("\xa0", " "), where)


def _spool(folder: Path) -> Iterator[Finding]:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        yield Trouble.SPOOL_UNWRITABLE.found(f"SPOOL_DIR {folder}: {error.strerror}")
        return
    if _file_system(folder) in IN_MEMORY:
        yield Trouble.SPOOL_VOLATILE.found(f"SPOOL_DIR {folder}")
    else:
        yield fine("the spool takes files", str(folder))


def _nearest(folder: Path) -> Path:
    """Return the folder, or the one above it that is there already."""
    return next(path for path in (folder, *folder.parents) if path.is_dir())


def _file_system(folder: Path) -> str:
    """Return the type of the file system that the folder is in, "" where the system tells none."""
    if not MOUNTS.exists():
        return ""
    mounts = [line.split()[1:3] for line in MOUNTS.read_text().splitlines()]
    # Of two mounted over each other the last one is seen.
    around = [(len(at), kind) for at, kind in mounts if folder.resolve().is_relative_to(at)]
    longest = max(length for length, _ in around)
    return [kind for length, kind in around if length == longest][-1]
