"""Ends a process that hangs: its supervisor restarts a process only after it has ended."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
import time
import traceback

logger = logging.getLogger(__name__)

CHECK_INTERVAL_S = 1.0


class Watchdog:
    """Ends the process with status 1 once `touch` has not been called for `limit_s`.

    `fault` is the beginning of the log line.

    It watches from the first `touch` on. It counts its own intervals instead of reading a clock:
    while the process or its machine is suspended, nothing is counted, whatever the clocks say.
    """

    def __init__(self, limit_s: float, fault: str = "the main loop has been stuck") -> None:
        self.limit_s, self.fault = limit_s, fault
        self._watching = False
        self._silent_s = 0.0
        self._thread: threading.Thread | None = None

    def touch(self) -> None:
        """Note that the main loop is running, and watch it from now on."""
        self._silent_s, self._watching = 0.0, True
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
            self._thread.start()

    def pause(self) -> None:
        """Stop watching until the next `touch`: the loop waits for something else."""
        self._watching = False

    def _run(self) -> None:
        while True:
            time.sleep(CHECK_INTERVAL_S)
            self._silent_s += CHECK_INTERVAL_S
            if self._watching and self._silent_s > self.limit_s:
                self._end_process()

    def _end_process(self) -> None:
        # Ends the process even if logging itself hangs.
        # Celery has replaced sys.stderr with its log, so this writes to the file descriptor.
        faulthandler.dump_traceback_later(CHECK_INTERVAL_S, exit=True, file=2)
        frame = sys._current_frames().get(threading.main_thread().ident or 0)
        logger.critical(
            "%s for %.0f s; ending the process, to be restarted. The loop's stack:\n%s",
            self.fault,
            self._silent_s,
            "".join(traceback.format_stack(frame)) if frame else "unknown",
        )
        os._exit(1)


# For a worker. Longer than its loop waits for an unresponsive broker, at 10 s per call.
event_loop = Watchdog(limit_s=60.0)
# For beat. While the broker is down, publishing one task may take a minute of reconnecting.
scheduler = Watchdog(limit_s=120.0)
# For a process of the web server. No statement of a page takes that long, but one never ends if the
# database acknowledges its bytes and never responds.
web_threads = Watchdog(limit_s=120.0, fault="no thread has taken the next request")
