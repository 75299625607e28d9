"""How the parts of the service are: broker, workers, beat, sweep and spool, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from mediapipe.models import Heartbeat
from mediapipe.models.heartbeats import BEAT, SILENT_AFTER, SWEEP, WORKER
from mediapipe.queueing.broker import broker_error
from mediapipe.settings.queues import QUEUES, serves
from mediapipe.webhooks import spool


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the service: whether it is well, how it is, and what to do if it is not."""

    name: str
    well: bool
    sentence: str
    todo: str = ""


def parts(now: datetime) -> list[Component]:
    """Return every part, in the order in which one looks for what is wrong.

    Takes about a second while the broker is away.
    """
    seen = dict(Heartbeat.objects.values_list("part", "seen_at"))
    workers = _workers(seen, now)
    beat = _beat(seen.get(BEAT), now)
    return [_broker(), workers, beat, _sweep(seen.get(SWEEP), now, workers, beat), _spool()]


def sweep_silent_after() -> timedelta:
    """Return for how long there may be no sweep before that is trouble."""
    return max(SILENT_AFTER, timedelta(seconds=3 * settings.REDISPATCH_INTERVAL_S))


def _broker() -> Component:
    if broker_error() is None:
        return Component("broker", True, "answers")
    return Component(
        "broker",
        False,
        "does not answer",
        "Webhooks are recorded, nothing is fetched. Start the broker; the sweep does the rest.",
    )


def _workers(seen: dict[str, datetime], now: datetime) -> Component:
    heard = {part.removeprefix(WORKER): at for part, at in seen.items() if part.startswith(WORKER)}
    last = max(heard.values(), default=None)
    alive = [name for name, at in heard.items() if now - at < SILENT_AFTER]
    if not alive or not last:
        todo = "Nothing is fetched. Start a worker, or look whether it reaches broker and database."
        return Component("workers", False, _silent(last, now), todo)
    said = f"{len(alive)} alive, seen {ago(last, now)}"
    left = [queue for queue in QUEUES if not any(serves(name, queue) for name in alive)]
    if not left:
        return Component("workers", True, said)
    queues = " and ".join(f"“{queue}”" for queue in left)
    return Component(
        "workers", False, f"{said}, none for {queues}", "Start a worker for that queue."
    )


def _beat(at: datetime | None, now: datetime) -> Component:
    if at and now - at < SILENT_AFTER:
        return Component("beat", True, f"alive, seen {ago(at, now)}")
    return Component(
        "beat",
        False,
        _silent(at, now),
        "New media is fetched, but nothing is swept: the slow phase stands still and what was "
        "lost stays lost. Start beat, exactly one.",
    )


def _sweep(at: datetime | None, now: datetime, workers: Component, beat: Component) -> Component:
    if at and now - at < sweep_silent_after():
        return Component("sweep", True, f"done {ago(at, now)}")
    if workers.well and beat.well:
        todo = (
            "Beat orders it and workers live, but it is not done: is a worker on the queue "
            "“housekeeping”, and are all its threads busy?"
        )
    else:
        todo = "It takes both a worker and beat."
    return Component("sweep", False, _silent(at, now), todo)


def _spool() -> Component:
    waiting = spool.depth()
    if not waiting:
        return Component("spool", True, "empty")
    webhooks = "webhook waits" if waiting == 1 else "webhooks wait"
    return Component(
        "spool",
        False,
        f"{waiting} {webhooks} for the database",
        "They are recorded by themselves when the database is back; see the log of web if not.",
    )


def _silent(at: datetime | None, now: datetime) -> str:
    return f"silent, last seen {ago(at, now)}" if at else "never seen"


def ago(at: datetime, now: datetime) -> str:
    """Return how long ago it was, in the largest unit that has more than one: `3 min ago`."""
    return f"{age((now - at).total_seconds())} ago"


def age(seconds: float) -> str:
    """Return an age for people: `45 s`, `3 min`, `5 h`, `9 days`."""
    seconds = max(0.0, seconds)
    for size_s, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size_s:
            return f"{seconds // size_s:.0f} {unit}"
    return f"{seconds:.0f} s"
