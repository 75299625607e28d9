"""The systemd units agree with the containers, and systemd understands them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mediapipe.operations import programs
from mediapipe.settings.queues import QUEUES
from tests.support.servers import missing
from tests.support.service import ROOT

UNITS = sorted((ROOT / "docker" / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
# gunicorn's default graceful_timeout: how long open requests may go on after SIGTERM.
GUNICORN_GRACE_S = 30
# On systemd's own scale, from 0 (confined) to 100 (unrestricted).
MOST_EXPOSURE = 20


def value(name: str, key: str) -> str:
    """Return the only value of this key in a unit."""
    text = (ROOT / "docker" / "systemd" / name).read_text()
    (found,) = re.findall(rf"^{key}=(.*)$", text, re.MULTILINE)
    return str(found)


@pytest.fixture
def units(tmp_path: Path) -> list[str]:
    """Return the paths of copies of the units for this checkout; templates have an instance."""
    for unit in UNITS:
        text = unit.read_text().replace("/opt/mediapipe", str(ROOT))
        python = str(ROOT / ".venv/bin/python")
        (tmp_path / unit.name).write_text(text.replace(python, shutil.which("true") or python))
    shutil.copy(tmp_path / "mediapipe-worker@.service", tmp_path / "mediapipe-worker@media.service")
    return [str(path) for path in sorted(tmp_path.iterdir()) if "@." not in path.name]


def systemd_analyze(*arguments: str, folder: str) -> subprocess.CompletedProcess[str]:
    found = shutil.which("systemd-analyze")
    if not found:
        missing("there is no systemd-analyze here")
    # The trailing colon keeps systemd's own folders on the path.
    environment = {"SYSTEMD_UNIT_PATH": f"{folder}:", "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [found, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def test_systemd_accepts_the_units(units: list[str]) -> None:
    folder = str(Path(units[0]).parent)
    result = systemd_analyze("verify", "--man=no", *units, folder=folder)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("name", [service.name for service in SERVICES])
def test_the_security_exposure_of_each_service_is_low(units: list[str], name: str) -> None:
    unit = Path(units[0]).parent / name.replace("@.", "@media.")
    options = ["security", "--offline=true", f"--threshold={MOST_EXPOSURE}"]
    result = systemd_analyze(*options, str(unit), folder=str(unit.parent))
    assert result.returncode == 0, result.stdout[-300:] + result.stderr


@pytest.mark.parametrize("name", [service.name for service in SERVICES])
def test_no_service_runs_as_root(name: str) -> None:
    assert value(name, "User") == "mediapipe"
    assert value(name, "CapabilityBoundingSet") == ""


def test_the_target_starts_every_unit_that_a_whole_service_needs() -> None:
    workers = {f"mediapipe-worker@{name}.service" for name in (*QUEUES, "media-2")}
    wanted = {"mediapipe-web.service", "mediapipe-beat.service"} | workers
    assert set(value("mediapipe.target", "Wants").split()) == wanted


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mediapipe-web.service", "web"),
        ("mediapipe-worker@.service", "worker %i"),
        ("mediapipe-beat.service", "beat"),
        ("mediapipe-migrate.service", "migrate --noinput"),
    ],
)
def test_a_unit_starts_the_same_program_as_the_container(name: str, words: str) -> None:
    program = "/opt/mediapipe/.venv/bin/python docker/entrypoint.py"
    assert value(name, "ExecStart") == f"{program} {words}"


def test_a_stop_waits_for_the_downloads_and_requests_in_progress() -> None:
    assert int(value("mediapipe-web.service", "TimeoutStopSec")) > GUNICORN_GRACE_S
    grace_s = programs.worker().grace_s
    assert int(value("mediapipe-worker@.service", "TimeoutStopSec")) > grace_s
