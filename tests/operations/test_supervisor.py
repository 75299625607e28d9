"""Programs that are added to a supervisor while it watches."""

from __future__ import annotations

import sys
import threading

from mediapipe.operations.programs import Program
from mediapipe.operations.supervisor import Supervisor


def test_a_program_that_is_about_to_be_started_does_not_end_the_watch() -> None:
    supervisor = Supervisor([])
    with supervisor:
        watch = threading.Thread(target=supervisor.watch)
        watch.start()
        late = Program("late", [sys.executable, "-c", "import time; time.sleep(60)"])
        supervisor.programs = {late.name: late}
        # Longer than the watch sleeps between two rounds.
        watch.join(1)
        assert watch.is_alive()
        supervisor.start(late.name)
        assert supervisor.running[late.name].poll() is None
    watch.join()
