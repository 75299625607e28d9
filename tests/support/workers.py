"""A Celery worker in a thread of this process, on an in-memory broker."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from celery.contrib.testing.worker import start_worker
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from mediapipe.celery import app
from mediapipe.queueing.watchdog import event_loop


@contextmanager
def worker_in_a_thread(queues: Sequence[str]) -> Iterator[None]:
    """Run one worker for these queues, for all tests of a module: stopping it takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CELERY_BROKER_URL", "memory://")
        patch.setitem(app.conf.broker_transport_options, "polling_interval", 0.02)
        # With this broker no timer touches it: after a minute it would end the tests' process.
        patch.setattr(event_loop, "limit_s", math.inf)
        with (
            same_log_level(),
            closed_afterwards(),
            start_worker(app, pool="solo", perform_ping_check=False, queues=queues),
        ):
            yield


@contextmanager
def same_log_level() -> Iterator[None]:
    """Restore the level of the root logger, which the worker sets to ERROR."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)


@contextmanager
def closed_afterwards() -> Iterator[None]:
    """Close the connections of the worker's thread, so the test database can be dropped."""
    opened: list[BaseDatabaseWrapper] = []

    def note(connection: BaseDatabaseWrapper, **kwargs: object) -> None:
        opened.append(connection)

    connection_created.connect(note)
    yield
    connection_created.disconnect(note)
    for connection in opened:
        connection.inc_thread_sharing()
        connection.close()
