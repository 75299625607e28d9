"""The clock of the periodic tasks."""

from typing import Any

from celery.beat import PersistentScheduler

from mediapipe.models.heartbeats import BEAT
from mediapipe.queueing.heartbeat import HeartbeatWriter


class Scheduler(PersistentScheduler):
    """Celery's own scheduler, which alone would do nothing for an hour if the clock is set back
    by one: it waits until the clock has passed the last run again, over restarts too.
    """

    pulse = HeartbeatWriter(BEAT)

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Run what is due; return the seconds until the next tick."""
        self.pulse.beat()
        now = self.app.now()
        entries = self.schedule.values()
        ahead = [entry for entry in entries if entry.last_run_at and entry.last_run_at > now]
        for entry in ahead:
            entry.last_run_at = now
        if ahead:
            # The order of what comes next was made by the clock as it was.
            self._heap = None
        return super().tick(*args, **kwargs)
