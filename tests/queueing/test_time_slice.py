from __future__ import annotations

import time
from itertools import count
from types import SimpleNamespace

import pytest

from mediapipe.queueing import time_slice
from mediapipe.queueing.time_slice import until_deadline


def test_everything_is_done_before_the_deadline() -> None:
    assert list(until_deadline([1, 2, 3], time.monotonic() + 60)) == [1, 2, 3]


def test_work_without_end_stops_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    # One second passes from one look at the clock to the next.
    monkeypatch.setattr(time_slice, "time", SimpleNamespace(monotonic=count().__next__))
    assert list(until_deadline(count(), 2.0)) == [0, 1, 2, 3]


def test_each_run_does_something_and_starts_nothing_after_the_deadline() -> None:
    work = iter([1, 2])
    assert list(until_deadline(work, 0.0)) == [1]
    assert next(work) == 2
