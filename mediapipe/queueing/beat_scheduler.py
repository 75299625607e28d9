from typing import Any

from celery.beat import Scheduler as CeleryScheduler

from mediapipe.models.heartbeats import BEAT
from mediapipe.queueing.heartbeat import HeartbeatWriter
from mediapipe.queueing.watchdog import scheduler as watchdog


class Scheduler(CeleryScheduler):
    """Celery's in-memory scheduler, with a heartbeat and a guard against a clock set back.

    It keeps no file: each entry runs when beat starts and at its interval from then on.
    """

    heartbeat = HeartbeatWriter(BEAT)

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Run what is due; return the seconds until the next tick."""
        self.heartbeat.touch()
        watchdog.touch()
        # If the clock is set back by an hour, Celery waits until it passes the last run again:
        # no task would run for an hour.
        now = self.app.now()
        entries = self.schedule.values()
        ahead = [entry for entry in entries if entry.last_run_at and entry.last_run_at > now]
        for entry in ahead:
            entry.last_run_at = now
        if ahead:
            # The heap orders the entries by the old clock; Celery rebuilds it when it is None.
            self._heap = None
        return super().tick(*args, **kwargs)

    def _ensure_connected(self) -> Any:
        # However long the broker is down at the start: reconnecting is the right thing to do.
        watchdog.pause()
        connected = super()._ensure_connected()  # type: ignore[misc]  # missing in the types
        watchdog.touch()
        return connected
