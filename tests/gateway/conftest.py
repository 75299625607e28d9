from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from mediapipe.gateway import inline
from mediapipe.gateway.flights import Slots
from tests.support.gateway import Published, configure_one_app
from tests.support.receivers import FakeServer, web_server

LONG_S = 40.0


@pytest.fixture
def flights(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slots]:
    """Count this test's requests only, and wait until they end before the database is reset."""
    slots = Slots()
    monkeypatch.setattr(inline, "slots", slots)
    yield slots
    deadline = time.monotonic() + LONG_S
    while slots.taken:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def delivery_tasks(published: list[int], monkeypatch: pytest.MonkeyPatch) -> Published:
    """Collect the tasks of deliveries instead of publishing them; media tasks are collected too."""
    tasks = Published()
    monkeypatch.setattr("mediapipe.gateway.dispatch.publish", tasks.add)
    return tasks


@pytest.fixture
def delivery_ids(published: list[int], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect the ids of the deliveries whose tasks are published."""
    ids: list[int] = []
    monkeypatch.setattr("mediapipe.gateway.dispatch.publish", ids.extend)
    return ids


@pytest.fixture
def app(settings: Settings, tmp_path: Path) -> Iterator[FakeServer]:
    """Run an app that accepts everything, and put it behind the gateway."""
    with web_server() as server:
        configure_one_app(settings, tmp_path, server.url)
        yield server
