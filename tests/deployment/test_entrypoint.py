"""The entrypoint of the image, and how its container shows that it is alive."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from mediapipe.models.heartbeats import SILENT_AFTER
from tests.support import make
from tests.support.servers import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKER = ROOT / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
COMPOSE = (DOCKER / "compose.yml").read_text()
WORKERS = ("worker", "worker-retries", "worker-housekeeping")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    parsed: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
    return parsed


def test_the_entrypoint_serves_requests_and_exits_cleanly_on_sigterm(
    tmp_path: Path,
) -> None:
    bind = f"127.0.0.1:{free_port()}"
    with entrypoint("web", WEB_BIND=bind, DATA_DIR=str(tmp_path)) as process:
        assert get(f"http://{bind}/healthz") == b"ok\n"
        # collectstatic has not run: the admin's style sheet comes from Django's own folder.
        assert b"body" in get(f"http://{bind}/static/admin/css/base.css")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_an_invalid_setting_stops_the_entrypoint_with_a_one_line_error(
    tmp_path: Path,
) -> None:
    with entrypoint("worker", DATA_DIR=str(tmp_path), PUBLIC_BASE_URL="example") as process:
        errors = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 1
    assert errors.startswith("error: PUBLIC_BASE_URL is not")
    assert errors.count("\n") == 1


@contextmanager
def entrypoint(*words: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start the entrypoint as a container does; yield its process, and kill it afterwards."""
    process = subprocess.Popen(
        [sys.executable, "docker/entrypoint.py", *words],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "mediapipe.settings",
            "TWILIO_ACCOUNT_SID": make.ACCOUNT,
            "TWILIO_AUTH_TOKEN": make.TOKEN,
            **environment,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def get(url: str) -> bytes:
    """Return the response body, waiting up to 60 seconds for the server."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310  (our own)
                body: bytes = answer.read()
                return body
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@pytest.mark.parametrize("name", [*WORKERS, "beat"])
def test_a_worker_or_beat_container_is_healthy_while_its_heartbeat_is_recent(
    services: dict[str, dict[str, Any]], name: str, tmp_path: Path
) -> None:
    kind, command = services[name]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    (file,) = re.findall(r"HEARTBEAT_FILE=(\S+)", DOCKERFILE)
    beat = tmp_path / "heartbeat"
    # Compose unescapes two dollars to one.
    here = command.replace("$$", "$").replace(file, str(beat))
    assert here != command

    def healthy() -> bool:
        return subprocess.run(["/bin/sh", "-c", here], stderr=subprocess.DEVNULL).returncode == 0

    assert not healthy()
    beat.touch()
    assert healthy()
    long_ago = time.time() - SILENT_AFTER.total_seconds() - 61
    os.utime(beat, (long_ago, long_ago))
    assert not healthy()
