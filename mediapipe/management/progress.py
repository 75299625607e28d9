"""The progress of long commands: bars on a terminal, and log lines elsewhere."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress, ProgressColumn

logger = logging.getLogger(__name__)

LOG_EVERY_S = 30.0
Each = TypeVar("Each")


@contextmanager
def progress(*columns: ProgressColumn, console: Console | None = None) -> Iterator[Progress]:
    """Yield bars on standard error, or on `console`; log them every 30 s if it is no terminal.

    Without `columns`, each bar has rich's default ones.
    """
    console = console or Console(stderr=True)
    # In a file, rich would print the bars once, at the end.
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        if console.is_terminal:
            yield bars
            return
        done = threading.Event()
        thread = threading.Thread(target=_log, args=(bars, done), name="progress", daemon=True)
        thread.start()
        try:
            yield bars
        finally:
            done.set()
            thread.join()


def track(each: Iterable[Each], what: str, total: int) -> Iterator[Each]:
    """Yield each element, and show how many of `total` are done, unless there is none."""
    if not total:
        yield from each
        return
    with progress() as bars:
        task = bars.add_task(what, total=total)
        for one in each:
            yield one
            bars.advance(task)


def _log(bars: Progress, done: threading.Event) -> None:
    while not done.wait(LOG_EVERY_S):
        for task in bars.tasks:
            logger.info("%s: %d of %d", task.description, task.completed, task.total or 0)
