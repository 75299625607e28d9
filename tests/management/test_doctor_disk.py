"""What the doctor reports about file systems that this machine does not have."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from mediapipe.management.doctor import disk
from mediapipe.management.doctor.findings import Finding


def spool_on(mounts: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Finding:
    """Return the finding about the spool under these mounts, in the format of /proc/mounts."""
    folder = Path(settings.SPOOL_DIR).parent
    (folder / "mounts").write_text(mounts)
    monkeypatch.setattr(disk, "MOUNTS", folder / "mounts")
    return [*disk.check_disk()][-1]


def test_the_last_of_several_mounts_at_the_same_path_counts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = "none / tmpfs rw 0 0\nnone / ext4 rw 0 0\n"
    assert spool_on(over, settings, monkeypatch).name == ""
    under = "none / ext4 rw 0 0\nnone / tmpfs rw 0 0\n"
    assert spool_on(under, settings, monkeypatch).name == "spool_volatile"


def test_a_spool_in_a_chroot_without_a_root_mount_is_writable(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = spool_on("none /proc proc rw 0 0\n", settings, monkeypatch)
    assert finding.message == "the spool is writable"
