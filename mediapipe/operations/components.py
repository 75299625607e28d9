from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from mediapipe.models import Cause, Heartbeat, Incident, MediaItem, Observation
from mediapipe.models.heartbeats import BEAT, SILENT_AFTER, SWEEP, WORKER
from mediapipe.queueing.broker import broker_error
from mediapipe.queueing.broker_problems import AWAY, explain
from mediapipe.settings.queues import QUEUES, serves
from mediapipe.webhooks import spool

GRACE_S = 120.0
STARTED_AT_S = time.monotonic()


@dataclass(frozen=True, slots=True)
class Component:
    """The health of one component: a summary in words, and a remedy unless it is healthy."""

    name: str
    healthy: bool
    summary: str
    remedy: str = ""


def components() -> list[Component]:
    """Return broker, workers, beat, dispatcher and spool, in the order of troubleshooting.

    Takes about two seconds while the broker is unavailable.
    """
    return [*processes(), _spool()]


def processes() -> list[Component]:
    """Return the components that are the same on every host: all but the spool."""
    now = timezone.now()
    seen = dict(Heartbeat.objects.values_list("part", "seen_at"))
    workers = _workers(seen, now)
    beat = _beat(seen.get(BEAT), now)
    return [_broker(), workers, beat, _dispatcher(seen.get(SWEEP), now, workers, beat)]


def record_stuck() -> None:
    """Open an incident while one of the processes does not respond, and resolve it afterwards.

    It does nothing in the first two minutes of this process: the others may still be starting.
    """
    if time.monotonic() - STARTED_AT_S < GRACE_S:
        return
    stuck = [f"{part.name} {part.summary}" for part in processes() if not part.healthy]
    if not stuck:
        Incident.resolve_for(Cause.COMPONENT)
        return
    detail = f"{'; '.join(stuck).capitalize()}."
    seen = Observation(None, None, detail, MediaItem.objects.none())
    Incident.open_or_update(Cause.COMPONENT, observation=seen)


def dispatcher_silent_after() -> timedelta:
    """Return for how long the dispatcher may be silent before that is a problem."""
    return max(SILENT_AFTER, timedelta(seconds=3 * settings.REDISPATCH_INTERVAL_S))


def _broker() -> Component:
    error = broker_error()
    if error is None:
        return Component("broker", True, "accepts tasks")
    problem = explain(error) or AWAY
    return Component(
        "broker",
        False,
        problem.summary,
        f"Webhooks are recorded, but nothing is fetched. {problem.remedy} The dispatcher then "
        "publishes what is due.",
    )


def _workers(seen: dict[str, datetime], now: datetime) -> Component:
    seen = {part.removeprefix(WORKER): at for part, at in seen.items() if part.startswith(WORKER)}
    last = max(seen.values(), default=None)
    alive = [name for name, at in seen.items() if now - at < SILENT_AFTER]
    if not alive or not last:
        remedy = "Nothing is fetched. Start a worker, or check that it reaches broker and database."
        return Component("workers", False, _silence(last, now), remedy)
    summary = f"{len(alive)} alive, last seen {_ago(last, now)}"
    unserved = [queue for queue in QUEUES if not any(serves(name, queue) for name in alive)]
    if not unserved:
        return Component("workers", True, summary)
    queues = " and ".join(f"“{queue}”" for queue in unserved)
    return Component(
        "workers", False, f"{summary}, none for {queues}", "Start a worker for that queue."
    )


def _beat(at: datetime | None, now: datetime) -> Component:
    if at and now - at < SILENT_AFTER:
        return Component("beat", True, f"alive, last seen {_ago(at, now)}")
    return Component(
        "beat",
        False,
        _silence(at, now),
        "New media is fetched, but no periodic task runs: slow-phase retries and lost messages "
        "wait. Start exactly one beat.",
    )


def _dispatcher(
    at: datetime | None, now: datetime, workers: Component, beat: Component
) -> Component:
    if at and now - at < dispatcher_silent_after():
        return Component("dispatcher", True, f"ran {_ago(at, now)}")
    if workers.healthy and beat.healthy:
        remedy = (
            "Beat schedules it and workers are alive, but it does not run: check that a worker "
            "consumes the queue “housekeeping” and has a free thread."
        )
    else:
        remedy = "The dispatcher needs both beat and a worker."
    return Component("dispatcher", False, _silence(at, now), remedy)


def _spool() -> Component:
    waiting, refused = spool.depth(), len(spool.refused())
    if refused:
        webhooks = "webhook was" if refused == 1 else "webhooks were"
        return Component(
            "spool",
            False,
            f"{refused} {webhooks} set aside, {waiting} waiting for the database",
            "See the log of web, fix the cause, then run manage.py replay_spool --refused.",
        )
    if not waiting:
        return Component("spool", True, "empty")
    webhooks = "webhook waits" if waiting == 1 else "webhooks wait"
    return Component(
        "spool",
        False,
        f"{waiting} {webhooks} for the database",
        "They are recorded automatically when the database is back; if not, see the log of web.",
    )


def _silence(at: datetime | None, now: datetime) -> str:
    return f"silent, last seen {_ago(at, now)}" if at else "never seen"


def _ago(at: datetime, now: datetime) -> str:
    return f"{format_age((now - at).total_seconds())} ago"


def format_age(seconds: float) -> str:
    """Return an age in the largest unit of which there are at least two: `119 s`, `3 min`."""
    seconds = max(0.0, seconds)
    for size_s, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size_s:
            return f"{seconds // size_s:.0f} {unit}"
    return f"{seconds:.0f} s"
