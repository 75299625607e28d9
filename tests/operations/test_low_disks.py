"""A nearly full disk opens an incident before storing fails."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pytest_django import Settings

from mediapipe.models import Cause, Heartbeat, Incident
from mediapipe.operations import disks
from tasks.check_escalation import check_escalation

pytestmark = [pytest.mark.django_db, pytest.mark.database]

GIB = 1024**3


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def set_free_bytes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that sets how many bytes of a disk of 10 GiB are free."""

    def patch_disk_usage(free_bytes: int) -> None:
        usage = Usage(10 * GIB, 10 * GIB - free_bytes, free_bytes)
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)

    return patch_disk_usage


def test_a_disk_that_is_nearly_full_is_an_incident_until_there_is_space(
    set_free_bytes: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "alpha")
    Path(settings.DATA_DIR).mkdir(exist_ok=True)
    set_free_bytes(GIB - 1)
    check_escalation()
    incident = Incident.objects.get(cause=Cause.DISK)
    assert incident.detail == f"alpha: DATA_DIR {settings.DATA_DIR} has 1024.0 MB free."
    set_free_bytes(2 * GIB)
    check_escalation()
    incident.refresh_from_db()
    assert incident.resolved_at


def test_a_disk_with_enough_space_is_not_an_incident(set_free_bytes: Any) -> None:
    set_free_bytes(GIB)
    disks.record_low_disks()
    assert not Incident.objects.exists()


def test_a_disk_without_space_for_the_largest_accepted_file_is_an_incident(
    set_free_bytes: Any, settings: Settings
) -> None:
    settings.MEDIA_MAX_RECORDING_BYTES = 3 * GIB
    set_free_bytes(2 * GIB)
    disks.record_low_disks()
    assert Incident.objects.exists()


def test_a_little_more_free_space_does_not_resolve_the_incident(set_free_bytes: Any) -> None:
    set_free_bytes(GIB - 1)
    disks.record_low_disks()
    set_free_bytes(GIB + 1)
    disks.record_low_disks()
    assert Incident.objects.ongoing().exists()


def test_another_host_resolves_the_incident_only_when_the_first_host_is_gone(
    set_free_bytes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "alpha")
    set_free_bytes(0)
    disks.record_low_disks()
    monkeypatch.setattr(socket, "gethostname", lambda: "beta")
    set_free_bytes(5 * GIB)
    Heartbeat.record("worker media@alpha")
    disks.record_low_disks()
    assert Incident.objects.ongoing().exists()
    Heartbeat.objects.all().delete()
    disks.record_low_disks()
    assert not Incident.objects.ongoing().exists()
