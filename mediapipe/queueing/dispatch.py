"""Publishes tasks; a broker that is unavailable never blocks the caller for long."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from types import MappingProxyType

from celery.utils import uuid
from django.utils import timezone
from kombu import Producer

from mediapipe.celery import app
from mediapipe.models import MediaItem
from mediapipe.queueing.broker import bounded_connection, broker_errors, is_timeout
from mediapipe.queueing.countdown import countdown_s
from mediapipe.settings.queues import MEDIA

logger = logging.getLogger(__name__)

# How long the circuit stays open after a failure; the dispatcher publishes what was skipped.
OPEN_S = 3.0
# By name, because the task's module imports this one to publish what follows an attempt.
FETCH_MEDIA = "tasks.fetch_media.fetch_media"
NOW: Mapping[int, datetime] = MappingProxyType({})


class CircuitBreaker:
    """Open for OPEN_S after a failure, so that only one of many webhooks waits for the timeout."""

    def __init__(self) -> None:
        self._open_until = 0.0

    def is_open(self) -> bool:
        return time.monotonic() < self._open_until

    def trip(self) -> None:
        self._open_until = time.monotonic() + OPEN_S


class ProducerPool:
    """Producers with a connection each, used by one thread at a time.

    `app.producer_pool` is unsuitable. At its limit it blocks, and a thread that publishes waits for
    the broker's confirmation, which comes after an fsync. Its `force_close_all` also closes the
    connections that other threads are using, on which client libraries fail in unspecified ways.
    """

    def __init__(self) -> None:
        self._idle: deque[Producer] = deque()
        self._generation = 0

    @contextmanager
    def acquire(self) -> Iterator[Producer]:
        """Yield a producer; after an exception neither it nor any older one is used again."""
        generation = self._generation
        try:
            producer = self._idle.pop()
        except IndexError:
            producer = Producer(bounded_connection())
        try:
            yield producer
        except BaseException:
            self.reset()
            raise
        finally:
            if generation == self._generation:
                self._idle.append(producer)
            else:
                _close(producer)

    def reset(self) -> None:
        """Close the idle connections now, and those in use when they are returned.

        One failure is enough: a broker that was restarted knows none of the old connections.
        """
        self._generation += 1
        with suppress(IndexError):
            while True:
                _close(self._idle.pop())


def _close(producer: Producer) -> None:
    if producer.connection:
        # `close` would wait for the response of a broker that may be down.
        producer.connection.collect(socket_timeout=0.1)


breaker = CircuitBreaker()
producer_pool = ProducerPool()


def dispatch(
    media_ids: Sequence[int], queue: str = MEDIA, due: Mapping[int, datetime] = NOW
) -> bool:
    """Publish one task per media item; return whether the broker accepted them all.

    The message of an item that is `due` later (UTC) is delivered with a countdown. Never raises
    if the broker is unavailable, and takes about a second at most: the rows are durable, and the
    dispatcher publishes them later.
    """
    if not media_ids or try_publish(partial(_publish, media_ids, queue, due)):
        return True
    MediaItem.objects.mark_undispatched(media_ids)
    return False


def try_publish(publish: Callable[[Producer], None]) -> bool:
    """Call `publish` with a producer; return whether it raised nothing. Never raises itself."""
    if breaker.is_open():
        return False
    try:
        _publish_on_open_connection(publish)
    # Any exception: the rows are durable, so Twilio gets its 200 even if this code has a bug.
    except Exception as error:
        breaker.trip()
        expected = isinstance(error, broker_errors())
        logger.warning(
            "publishing failed (%s); the dispatcher will retry",
            type(error).__name__,
            exc_info=None if expected else error,
        )
        return False
    return True


def _publish_on_open_connection(publish: Callable[[Producer], None]) -> None:
    try:
        with producer_pool.acquire() as producer:
            publish(producer)
    except broker_errors() as error:
        if is_timeout(error):
            raise
        # The broker has restarted while this connection was idle. The pool has closed the others.
        with producer_pool.acquire() as producer:
            publish(producer)


def _publish(
    media_ids: Sequence[int], queue: str, due: Mapping[int, datetime], producer: Producer
) -> None:
    now = timezone.now()
    for media_id in media_ids:
        kwargs = {"media_id": media_id}
        wait_s = (due.get(media_id, now) - now).total_seconds()
        if wait_s > 0:
            app.send_task(
                FETCH_MEDIA,
                kwargs=kwargs,
                countdown=countdown_s(wait_s),
                queue=queue,
                producer=producer,
                retry=False,
            )
        else:
            # The message that `send_task` would publish, without processing options that are not
            # used here and without Celery's bounded repr(): together they take a third more CPU
            # per webhook.
            message = app.amqp.create_task_message(
                uuid(), FETCH_MEDIA, kwargs=kwargs, argsrepr="()", kwargsrepr=repr(kwargs)
            )
            known = producer.connection.declared_entities if producer.connection else None
            is_declared = hash(app.amqp.queues[queue]) in (known or ())
            app.amqp.send_task_message(
                producer,
                FETCH_MEDIA,
                message,
                queue=queue,
                # kombu checks this as well, but binds a copy of the queue first.
                declare=[] if is_declared else None,
                retry=False,
            )
