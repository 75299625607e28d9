from __future__ import annotations

import time
from itertools import count

from mediapipe.queueing.time_slice import until_deadline


def test_everything_is_done_before_the_deadline() -> None:
    assert list(until_deadline([1, 2, 3], time.monotonic() + 60)) == [1, 2, 3]


def test_work_without_end_stops_at_the_deadline() -> None:
    start = time.monotonic()
    assert sum(1 for _ in until_deadline(count(), start + 0.05)) > 1
    assert time.monotonic() - start < 5


def test_each_run_does_something_and_starts_nothing_after_the_deadline() -> None:
    work = iter([1, 2])
    assert list(until_deadline(work, 0.0)) == [1]
    assert next(work) == 2
