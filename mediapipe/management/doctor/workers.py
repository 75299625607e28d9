"""Whether broker, workers, beat and sweep live, and whether a task comes back from each queue."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from celery.exceptions import TimeoutError as NoAnswer
from celery.result import AsyncResult
from django.utils import timezone

from mediapipe.celery import app
from mediapipe.failures import StorageFailed
from mediapipe.fetching import storage
from mediapipe.management.doctor.findings import Finding, fine
from mediapipe.management.doctor.issues import Trouble
from mediapipe.management.doctor.storage import new_name, write
from mediapipe.models import Heartbeat
from mediapipe.models.heartbeats import WORKER
from mediapipe.operations.components import Component, parts
from mediapipe.providers.twilio.accounts import accounts
from mediapipe.queueing.broker import (
    bounded_connection,
    broker_error,
    consumers,
    waiting_messages,
)
from mediapipe.settings.queues import QUEUES, serves
from tasks.examine import Seen
from tasks.examine import examine as question

# A worker that has nothing else to do answers within a second.
ANSWER_S = 10.0
LOOK_EVERY_S = 0.1
REFUSALS = {"AccessRefused", "NotAllowed", "AuthenticationError", "AuthorizationError"}
TROUBLES = {
    "workers": Trouble.WORKER_MISSING,
    "beat": Trouble.BEAT_SILENT,
    "sweep": Trouble.SWEEP_SILENT,
    "spool": Trouble.SPOOL_NOT_EMPTY,
}


def examine() -> Iterator[Finding]:
    """Yield how broker, workers, beat, sweep and spool are; without a broker nothing lives."""
    error = broker_error()
    if error is not None:
        yield _no_broker(error)
        return
    yield fine("the broker answers")
    yield from (_part(part) for part in parts(timezone.now()) if part.name != "broker")
    alive = _alive()
    yield from _elsewhere(alive)
    queues = [queue for queue in QUEUES if any(serves(name, queue) for name in alive)]
    if queues:
        yield from _asked(queues)


def _no_broker(error: BaseException) -> Finding:
    """Tell a broker that refuses us from one that is not there; neither says it in its own words,
    in which there may be the URL."""
    names = {type(link).__name__ for link in (error, error.__cause__, error.__context__)}
    trouble = Trouble.BROKER_REFUSES if names & REFUSALS else Trouble.BROKER_AWAY
    return trouble.found(f"{_address()}: {type(error).__name__}")


def _address() -> str:
    connection = app.connection_for_write()
    return f"{connection.hostname or ''}:{connection.port or ''}".strip(":") or "CELERY_BROKER_URL"


def _part(part: Component) -> Finding:
    said = f"{part.name}: {part.sentence}"
    return fine(said) if part.well else TROUBLES[part.name].found(what=said, todo=part.todo)


def _alive() -> list[str]:
    rows = Heartbeat.objects.alive(timezone.now()).workers()
    return [part.removeprefix(WORKER) for part in rows.values_list("part", flat=True)]


def _elsewhere(alive: list[str]) -> Iterator[Finding]:
    """Yield the queues that somebody serves whom this database does not know."""
    for queue in QUEUES:
        if consumers(queue) and not any(serves(name, queue) for name in alive):
            yield Trouble.WORKER_ELSEWHERE.found(f"queue {queue}")


def _asked(queues: list[str]) -> Iterator[Finding]:
    """Yield what came back from each queue; the file and the results are gone afterwards."""
    file = new_name()
    try:
        write(file)
    except StorageFailed:
        # The storage has a finding of its own; a missing file would be put down to the worker.
        file = ""
    results = {queue: _publish(queue, file) for queue in queues}
    until = time.monotonic() + ANSWER_S
    try:
        for queue, result in results.items():
            yield from _answer(queue, result, until, file)
    finally:
        for result in results.values():
            result.forget()
        if file:
            storage.remove(file)


def _publish(queue: str, file: str) -> AsyncResult[Any]:
    with bounded_connection() as connection, connection.Producer() as producer:
        # A question that nobody takes is thrown away by the broker.
        return question.apply_async(
            kwargs={"file": file}, queue=queue, producer=producer, retry=False, expires=ANSWER_S
        )


def _answer(queue: str, result: AsyncResult[Any], until: float, file: str) -> Iterator[Finding]:
    began = time.monotonic()
    try:
        seen = result.get(
            timeout=max(until - began, LOOK_EVERY_S), interval=LOOK_EVERY_S, propagate=False
        )
    except NoAnswer:
        waiting = waiting_messages(queue)
        lies = f"{waiting} messages lie in it" if waiting else "it was taken and not answered"
        yield Trouble.TASK_UNANSWERED.found(f"queue {queue}: {lies}")
        return
    if result.state != "SUCCESS":
        yield _failed(queue, seen)
        return
    yield fine("a task came back from a worker", f"queue {queue}")
    yield from _differences(queue, seen, file)


def _failed(queue: str, error: object) -> Finding:
    if type(error).__name__ == "NotRegistered":
        return Trouble.WORKER_OUTDATED.found(f"queue {queue}")
    return Trouble.TASK_UNANSWERED.found(f"queue {queue}: {type(error).__name__}")


def _differences(queue: str, seen: Seen, file: str) -> Iterator[Finding]:
    if file and not seen["file"]:
        yield Trouble.STORAGE_NOT_SHARED.found(f"worker of the queue {queue}")
    if seen["accounts"] != sorted(accounts()):
        yield Trouble.ACCOUNTS_DIFFER.found(f"worker of the queue {queue}")
