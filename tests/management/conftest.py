from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from mediapipe.simulator import Simulator
from tests.support.doctor_world import World


@pytest.fixture
def world(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    twilio: Simulator,
    live_server: LiveServer,
    tmp_path: Path,
) -> Iterator[World]:
    """Set up a service without any misconfiguration."""
    settings.PUBLIC_BASE_URL = live_server.url
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
    # Readable by us alone; the checkout's own folder may have been created under another umask.
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir(mode=0o700)
    with ExitStack() as stack:
        yield World(settings, monkeypatch, twilio, live_server.url, tmp_path, stack)
