"""The free space of the disks that this host writes to, and the incident when it runs out."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from mediapipe.fetching.limits import largest_bytes
from mediapipe.models import Cause, Heartbeat, Incident, MediaItem, Observation

LOW_BYTES = 1024**3
LOW_SHARE = 0.05
# Downloads in progress occupy and free hundreds of megabytes, which must not end an incident.
RECOVERED = 1.25


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk and the setting whose folder is on it; sizes in bytes."""

    setting: str
    folder: Path
    free: int
    total: int

    def __str__(self) -> str:
        """Return the setting, its folder and the free space: `DATA_DIR /data has 1.2 GB free`."""
        return f"{self.setting} {self.folder} has {self.free_text} free"

    @property
    def free_text(self) -> str:
        # Django puts a no-break space between number and unit, which ASCII terminals cannot show.
        return filesizeformat(self.free).replace("\xa0", " ")

    @property
    def low(self) -> bool:
        return self.free < self._reserve

    @property
    def recovered(self) -> bool:
        return self.free >= RECOVERED * self._reserve

    @property
    def _reserve(self) -> float:
        return max(LOW_BYTES, LOW_SHARE * self.total, largest_bytes())


def disks() -> Iterator[Disk]:
    """Yield each disk of DATA_DIR, SPOOL_DIR and MEDIA_ROOT once."""
    folders = {"DATA_DIR": Path(settings.DATA_DIR), "SPOOL_DIR": Path(settings.SPOOL_DIR)}
    if not settings.STORAGE_URL:
        folders["MEDIA_ROOT"] = Path(settings.MEDIA_ROOT)
    devices: set[int] = set()
    for setting, folder in folders.items():
        existing = next(each for each in (folder, *folder.parents) if each.is_dir())
        device = existing.stat().st_dev
        if device not in devices:
            devices.add(device)
            usage = shutil.disk_usage(existing)
            yield Disk(setting, existing, usage.free, usage.total)


def record_low_disks() -> None:
    """Open an incident while a disk of this host is nearly full, and resolve it afterwards."""
    here = socket.gethostname()
    found = list(disks())
    if low := [str(disk) for disk in found if disk.low]:
        # No value: each download changes the free space, which does not make it worse.
        seen = Observation(None, None, f"{here}: {'; '.join(low)}.", MediaItem.objects.none())
        Incident.open_or_update(Cause.DISK, observation=seen)
    elif all(disk.recovered for disk in found):
        for incident in Incident.objects.ongoing().filter(cause=Cause.DISK):
            host = incident.detail.partition(":")[0]
            # A worker on another host sees its own disk, not the one that is full.
            if host == here or not _is_alive(host):
                incident.resolve()


def _is_alive(host: str) -> bool:
    workers = Heartbeat.objects.alive(timezone.now()).workers()
    return workers.filter(part__endswith=f"@{host}").exists()
