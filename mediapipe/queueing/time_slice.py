from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def until_deadline(items: Iterable[T], deadline_s: float) -> Iterator[T]:
    """Yield items until `deadline_s` (of `time.monotonic()`), but at least the first.

    Periodic tasks work in short slices and leave the rest to their next run, so that a worker that
    is shutting down need not wait for them. The clock is read before the next item is taken, so an
    iterator may do the work itself while it is advanced.
    """
    for item in items:
        yield item
        if time.monotonic() > deadline_s:
            return
