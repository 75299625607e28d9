from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from celery.exceptions import TimeoutError as ResultTimeout
from celery.result import AsyncResult
from django.utils import timezone

from mediapipe.celery import app
from mediapipe.failures import StorageFailed
from mediapipe.fetching import storage
from mediapipe.management.doctor.findings import Finding, ok
from mediapipe.management.doctor.issues import Issue
from mediapipe.management.doctor.storage import write_probe
from mediapipe.models import Heartbeat
from mediapipe.models.heartbeats import WORKER
from mediapipe.operations.components import components
from mediapipe.providers.twilio.accounts import accounts
from mediapipe.queueing.broker import (
    bounded_connection,
    broker_error,
    consumers,
    waiting_messages,
)
from mediapipe.queueing.broker_problems import explain
from mediapipe.settings.queues import QUEUES, serves
from tasks.examine import Seen
from tasks.examine import examine as probe_task

# An idle worker returns the result within a second.
RESULT_TIMEOUT_S = 10.0
POLL_INTERVAL_S = 0.1
COMPONENT_ISSUES = {
    "workers": Issue.WORKER_MISSING,
    "beat": Issue.BEAT_SILENT,
    "dispatcher": Issue.SWEEP_SILENT,
    "spool": Issue.SPOOL_NOT_EMPTY,
}


def check_service() -> Iterator[Finding]:
    """Yield the health of each component, and send a task through each queue."""
    error = broker_error()
    if error is not None:
        yield _broker_issue(error)
        return
    yield ok("the broker accepts tasks")
    for component in components():
        summary = f"{component.name}: {component.summary}"
        if component.name != "broker":
            yield (
                ok(summary)
                if component.healthy
                else COMPONENT_ISSUES[component.name].found(
                    message=summary, remedy=component.remedy
                )
            )
    rows = Heartbeat.objects.alive(timezone.now()).workers()
    alive = [part.removeprefix(WORKER) for part in rows.values_list("part", flat=True)]
    served = [queue for queue in QUEUES if any(serves(name, queue) for name in alive)]
    for queue in QUEUES:
        if queue not in served and consumers(queue):
            yield Issue.WORKER_ELSEWHERE.found(f"queue {queue}")
    if served:
        yield from _round_trips(served)


def _broker_issue(error: BaseException) -> Finding:
    """Distinguish a broker that is down from one that refuses our login or accepts no tasks."""
    connection = app.connection_for_write()
    address = f"{connection.hostname or ''}:{connection.port or ''}".strip(":")
    where = f"{address or 'CELERY_BROKER_URL'}: {type(error).__name__}"
    problem = explain(error)
    if not problem:
        return Issue.BROKER_AWAY.found(where)
    issue = Issue.BROKER_REFUSES if problem.refuses_login else Issue.BROKER_UNUSABLE
    return issue.found(where, message=f"the broker {problem.summary}", remedy=problem.remedy)


def _round_trips(queues: list[str]) -> Iterator[Finding]:
    """Send the probe task through each queue; remove its file and results afterwards."""
    try:
        file = write_probe()
    except StorageFailed:
        # The storage check reports this; do not blame the workers for the missing file.
        file = ""
    results = {queue: _publish(queue, file) for queue in queues}
    deadline = time.monotonic() + RESULT_TIMEOUT_S
    try:
        for queue, result in results.items():
            yield from _check_result(queue, result, deadline, file)
    finally:
        for result in results.values():
            result.forget()
        if file:
            # The storage check reports a file that cannot be deleted.
            with suppress(StorageFailed):
                storage.remove(file)


def _publish(queue: str, file: str) -> AsyncResult[Any]:
    with bounded_connection() as connection, connection.Producer() as producer:
        # If it expires, RabbitMQ drops it; on Redis, the worker that consumes it does.
        return probe_task.apply_async(
            kwargs={"file": file},
            queue=queue,
            producer=producer,
            retry=False,
            expires=RESULT_TIMEOUT_S,
        )


def _check_result(
    queue: str, result: AsyncResult[Any], deadline: float, file: str
) -> Iterator[Finding]:
    try:
        seen: Seen = result.get(
            timeout=max(deadline - time.monotonic(), POLL_INTERVAL_S),
            interval=POLL_INTERVAL_S,
            propagate=False,
        )
    except ResultTimeout:
        waiting = waiting_messages(queue)
        reason = f"messages waiting: {waiting}" if waiting else "consumed without a result"
        yield Issue.TASK_UNANSWERED.found(f"queue {queue}: {reason}")
        return
    if result.state != "SUCCESS":
        # The result of a failed task is its exception.
        error = type(seen).__name__
        if error == "NotRegistered":
            yield Issue.WORKER_OUTDATED.found(f"queue {queue}")
        else:
            yield Issue.TASK_UNANSWERED.found(f"queue {queue}: {error}")
        return
    yield ok("a worker ran the doctor's task", f"queue {queue}")
    if file and not seen["file"]:
        yield Issue.STORAGE_NOT_SHARED.found(f"worker of the queue {queue}")
    if seen["accounts"] != sorted(accounts()):
        yield Issue.ACCOUNTS_DIFFER.found(f"worker of the queue {queue}")
