from typing import Any

from celery.beat import ScheduleEntry, SchedulingError
from celery.beat import Scheduler as CeleryScheduler

from mediapipe.models.heartbeats import BEAT
from mediapipe.queueing.heartbeat import HeartbeatWriter
from mediapipe.queueing.watchdog import scheduler as watchdog
from mediapipe.settings.beat_schedule import NEVER


class Scheduler(CeleryScheduler):
    """Celery's in-memory scheduler, with a heartbeat and a guard against a clock that is set back.

    It keeps no file: each entry runs when beat starts and at its interval from then on. A task that
    the broker did not accept is due again immediately, not after another interval.
    """

    heartbeat = HeartbeatWriter(BEAT)

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Run what is due; return the seconds until the next tick."""
        self.heartbeat.touch()
        watchdog.touch()
        # If the clock is set back by an hour, Celery waits until it passes the last run again:
        # no task would run for that hour.
        now = self.app.now()
        entries = self.schedule.values()
        ahead = [entry for entry in entries if entry.last_run_at and entry.last_run_at > now]
        for entry in ahead:
            entry.last_run_at = now
        if ahead:
            # The heap orders the entries by the old clock; Celery rebuilds it when it is None.
            self._heap = None
        return super().tick(*args, **kwargs)

    def apply_async(self, entry: ScheduleEntry, *args: Any, **kwargs: Any) -> Any:
        """Publish the task of an entry; raise SchedulingError if the broker does not accept it."""
        try:
            return super().apply_async(entry, *args, **kwargs)
        except SchedulingError:
            # Celery has tried for half a second; the caller logs the error and continues.
            self.schedule[str(entry.name)].last_run_at = NEVER
            self._heap = None
            raise

    def _ensure_connected(self) -> Any:
        # However long the broker is down at the start: a restart would not reconnect sooner.
        watchdog.pause()
        connected = super()._ensure_connected()  # type: ignore[misc]  # missing in the types
        watchdog.touch()
        return connected
