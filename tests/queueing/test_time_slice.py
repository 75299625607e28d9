from __future__ import annotations

import time
from itertools import count
from types import SimpleNamespace

import pytest

from mediapipe.queueing import time_slice
from mediapipe.queueing.time_slice import until_deadline


def test_all_work_is_done_if_the_deadline_is_not_reached() -> None:
    assert list(until_deadline([1, 2, 3], time.monotonic() + 60)) == [1, 2, 3]


def test_endless_work_stops_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    # One second passes from one look at the clock to the next.
    monkeypatch.setattr(time_slice, "time", SimpleNamespace(monotonic=count().__next__))
    assert list(until_deadline(count(), 2.0)) == [0, 1, 2, 3]


def test_a_run_whose_deadline_has_passed_handles_exactly_one_item() -> None:
    work = iter([1, 2])
    assert list(until_deadline(work, 0.0)) == [1]
    assert next(work) == 2
