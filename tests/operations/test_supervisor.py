"""Programs that cannot be started, do not stop, or are added while the supervisor watches."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import CommandError

from mediapipe.operations.programs import Program
from mediapipe.operations.supervisor import Supervisor
from tests.support.processes import processes_of, wait_until_gone

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
# processes_of() finds the child because it inherits the folder's name in its environment.
STUBBORN = (
    "import signal, subprocess, sys, pathlib; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "child = subprocess.Popen(['sleep', '60']); pathlib.Path(sys.argv[1]).touch(); child.wait()"
)


@contextmanager
def watching(supervisor: Supervisor) -> Iterator[threading.Thread]:
    """Run the supervisor, watched by a thread."""
    with supervisor:
        watch = threading.Thread(target=supervisor.watch)
        watch.start()
        try:
            yield watch
        finally:
            supervisor.stopping = True
            watch.join()


@pytest.fixture
def command(tmp_path: Path, request: pytest.FixtureRequest) -> list[str]:
    """Return a command that cannot be started, for the reason that the parameter names."""
    path = tmp_path / "command"
    if request.param == "a folder":
        path.mkdir()
    elif request.param != "missing":
        path.write_text("nonsense")
        path.chmod(0o755 if request.param == "not a program" else 0o644)
    return [str(path)]


KINDS = ["missing", "a folder", "not executable", "not a program"]


@pytest.mark.parametrize("command", KINDS, indirect=True)
def test_a_program_that_cannot_be_started_stops_the_others(command: list[str]) -> None:
    supervisor = Supervisor([Program("first", SLEEP), Program("second", command)])
    with pytest.raises(CommandError, match=r"^Cannot start second: .*command"), supervisor:
        pytest.fail("it started")
    assert supervisor.running["first"].poll() is not None


def test_the_error_names_a_log_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    supervisor = Supervisor([Program("first", SLEEP)], log_dir=tmp_path / "logs")
    with pytest.raises(CommandError, match=r"^Cannot start first: .*logs"), supervisor:
        pytest.fail("it started")


def test_a_failed_restart_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediapipe.operations.supervisor.RESTART_PAUSE_S", 0.1)
    good = Program("only", SLEEP)
    supervisor = Supervisor([good])
    with watching(supervisor):
        supervisor.programs["only"] = replace(good, command=["/nonexistent"])
        killed = supervisor.running["only"]
        killed.kill()
        first_try_at = supervisor.started_at["only"]
        wait_until(lambda: supervisor.started_at["only"] > first_try_at)
        supervisor.programs["only"] = good
        wait_until(lambda: supervisor.running["only"] is not killed)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_program_that_does_not_stop_is_killed_with_its_children(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = [sys.executable, "-c", STUBBORN, str(ready)]
    stubborn = Program("stubborn", command, grace_s=0.2, is_ready=ready.exists)
    with Supervisor([stubborn], env={"FOLDER": str(tmp_path)}):
        killed = processes_of(tmp_path)
        assert len(killed) == 2
    # The kernel ends the child a moment after the program is killed.
    wait_until_gone(killed, tmp_path, 60)


def test_a_program_receives_its_own_environment_variables(tmp_path: Path) -> None:
    file = tmp_path / "value"
    script = f"import os; open({str(file)!r}, 'w').write(os.environ['NAME'])"
    program = Program("only", [sys.executable, "-c", script], env={"NAME": "value"})
    with Supervisor([program]) as supervisor:
        supervisor.running["only"].wait(60)
    assert file.read_text() == "value"


def test_the_watch_continues_while_a_program_is_not_started_yet() -> None:
    supervisor = Supervisor([])
    with watching(supervisor) as watch:
        late = Program("late", SLEEP)
        supervisor.programs = {late.name: late}
        # This is longer than the supervisor sleeps between two rounds.
        watch.join(1)
        assert watch.is_alive()
        supervisor.start(late.name)
        assert supervisor.running[late.name].poll() is None
