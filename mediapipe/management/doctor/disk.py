from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from mediapipe.fetching.limits import largest_bytes
from mediapipe.management.doctor.findings import Finding, ok
from mediapipe.management.doctor.issues import Issue

LOW_BYTES = 1024**3
LOW_SHARE = 0.05
# File systems that a reboot clears. An overlay, the root of a container, vanishes with it too,
# but the image declares a volume there.
IN_MEMORY = {"tmpfs", "ramfs"}
MOUNTS = Path("/proc/self/mounts")


def check_disk() -> Iterator[Finding]:
    """Yield the free space of each disk once, and whether the spool can keep a webhook."""
    folders = {"DATA_DIR": Path(settings.DATA_DIR), "SPOOL_DIR": Path(settings.SPOOL_DIR)}
    if not settings.STORAGE_URL:
        folders["MEDIA_ROOT"] = Path(settings.MEDIA_ROOT)
    devices: set[int] = set()
    for name, folder in folders.items():
        existing = next(path for path in (folder, *folder.parents) if path.is_dir())
        device = existing.stat().st_dev
        if device not in devices:
            devices.add(device)
            yield _check_free_space(existing, f"{name} {existing}")
    yield _check_spool(Path(settings.SPOOL_DIR))


def _check_free_space(folder: Path, where: str) -> Finding:
    usage = shutil.disk_usage(folder)
    # Django puts a no-break space between number and unit, which ASCII terminals cannot show.
    free = f"{filesizeformat(usage.free)} free".replace("\xa0", " ")
    if usage.free < largest_bytes():
        message = f"{free}, less than MEDIA_MAX_RECORDING_BYTES"
        return Issue.DISK_FULL.found(where, message=message)
    if usage.free < LOW_BYTES or usage.free < LOW_SHARE * usage.total:
        return Issue.DISK_LOW.found(where, message=free)
    return ok(free, where)


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

    "" if it is unknown: no Linux, or a chroot, which has no mount at `/`.
    """
    if not MOUNTS.exists():
        return ""
    mounts = [line.split()[1:3] for line in MOUNTS.read_text().splitlines()]
    around = [(len(at), kind) for at, kind in mounts if folder.resolve().is_relative_to(at)]
    # Of several mounts on the same point, the last one hides the others.
    return max(reversed(around), key=itemgetter(0), default=(0, ""))[1]
