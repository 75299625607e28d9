"""Long commands show their progress: as bars on a terminal, and as log lines elsewhere."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Iterator

import pytest
from rich.console import Console

from mediapipe.management import progress

pytestmark = pytest.mark.usefixtures("frequent_logging")


@pytest.fixture
def frequent_logging(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(progress, "LOG_EVERY_S", 0.01)
    caplog.set_level(logging.INFO)


def logged_so_far(caplog: pytest.LogCaptureFixture, line: str) -> Iterator[str]:
    """Yield one element, then wait until `line` is logged."""
    yield "one"
    deadline = time.monotonic() + 30
    while line not in caplog.messages:
        assert time.monotonic() < deadline, caplog.messages
        time.sleep(0.01)
    yield "two"


def test_progress_is_logged_when_there_is_no_terminal(caplog: pytest.LogCaptureFixture) -> None:
    elements = logged_so_far(caplog, "purging: 1 of 2")
    assert list(progress.track(elements, "purging", total=2)) == ["one", "two"]


def test_no_progress_bar_is_drawn_when_there_is_no_terminal() -> None:
    file = io.StringIO()
    with progress.progress(console=Console(file=file)) as bars:
        bars.advance(bars.add_task("purging", total=1))
    assert file.getvalue() == ""


def test_the_logging_thread_ends_with_the_work(caplog: pytest.LogCaptureFixture) -> None:
    list(progress.track(logged_so_far(caplog, "purging: 1 of 2"), "purging", total=2))
    assert "progress" not in [thread.name for thread in threading.enumerate()]


def test_nothing_is_shown_when_there_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "progress", lambda: pytest.fail("a bar for no work"))
    assert list(progress.track([], "purging", total=0)) == []


def test_a_terminal_gets_progress_bars_and_no_log_lines(caplog: pytest.LogCaptureFixture) -> None:
    file = io.StringIO()
    terminal = Console(file=file, force_terminal=True)
    with progress.progress(console=terminal) as bars:
        bars.advance(bars.add_task("media settled", total=1))
    assert "media settled" in file.getvalue()
    assert not [line for line in caplog.messages if "media settled" in line]
