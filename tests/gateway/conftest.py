from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from mediapipe.gateway import inline
from mediapipe.gateway.flights import Slots

LONG_S = 40.0


@pytest.fixture
def flights(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slots]:
    """Count the requests of this test alone, and wait for their end before the database goes."""
    slots = Slots()
    monkeypatch.setattr(inline, "slots", slots)
    yield slots
    deadline = time.monotonic() + LONG_S
    while slots.taken:
        assert time.monotonic() < deadline
        time.sleep(0.01)
