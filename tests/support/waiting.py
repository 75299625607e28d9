from __future__ import annotations

import time
from collections.abc import Callable

LONG_S = 60.0


def eventually(holds: Callable[[], object]) -> None:
    """Wait until `holds` returns something true; fail after LONG_S."""
    deadline = time.monotonic() + LONG_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
