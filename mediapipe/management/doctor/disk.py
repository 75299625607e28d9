from __future__ import annotations

import tempfile
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

from django.conf import settings

from mediapipe.fetching.limits import largest_bytes
from mediapipe.management.doctor.findings import Finding, ok
from mediapipe.management.doctor.issues import Issue
from mediapipe.operations.disks import Disk, disks

# File systems that a reboot clears. An overlay, a container's root, is lost with the container,
# but docker/compose.yml mounts a volume at DATA_DIR.
IN_MEMORY = {"tmpfs", "ramfs"}
MOUNTS = Path("/proc/self/mounts")


def check_disk() -> Iterator[Finding]:
    """Yield the free space of each disk once, and whether the spool can keep a webhook."""
    for disk in disks():
        yield _check_free_space(disk)
    yield _check_spool(Path(settings.SPOOL_DIR))


def _check_free_space(disk: Disk) -> Finding:
    where, free = f"{disk.setting} {disk.folder}", f"{disk.free_text} free"
    if disk.free < largest_bytes():
        message = f"{free}, less than MEDIA_MAX_RECORDING_BYTES"
        return Issue.DISK_FULL.found(where, message=message)
    return Issue.DISK_LOW.found(where, message=free) if disk.low else ok(free, where)


def _check_spool(folder: Path) -> Finding:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        return Issue.SPOOL_UNWRITABLE.found(f"SPOOL_DIR {folder}: {error.strerror}")
    if _file_system_of(folder) in IN_MEMORY:
        return Issue.SPOOL_VOLATILE.found(f"SPOOL_DIR {folder}")
    return ok("the spool is writable", str(folder))


def _file_system_of(folder: Path) -> str:
    """Return the type of the file system that contains the folder.

    "" if it is unknown: not on Linux, or in a chroot, which has no mount at `/`.
    """
    if not MOUNTS.exists():
        return ""
    mounts = [line.split()[1:3] for line in MOUNTS.read_text().splitlines()]
    around = [(len(at), kind) for at, kind in mounts if folder.resolve().is_relative_to(at)]
    # Of several mounts on the same point, the last one hides the others.
    return max(reversed(around), key=itemgetter(0), default=(0, ""))[1]
