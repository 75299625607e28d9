"""Publishing within bounds: who dispatches is never held up by a broker that is away."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from celery.utils import uuid
from django.conf import settings
from django.utils import timezone
from kombu import Connection, Producer, Queue
from kombu.exceptions import OperationalError

from mediapipe.celery import app
from mediapipe.models import MediaItem
from mediapipe.queueing.countdown import countdown_s
from mediapipe.settings.queues import MEDIA

logger = logging.getLogger(__name__)

# Without these bounds a broker that accepts connections and says nothing blocks for ever.
BOUNDS = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
    "socket_connect_timeout": 1,
    "socket_timeout": 1,
    "read_timeout": 1,
    "write_timeout": 1,
}
CONNECT_TIMEOUT_S = 1.0
# After a failure nobody waits for the broker again for this long: the sweep has the rows.
PAUSE_S = 3.0
# By its name, because the task itself publishes what comes after it through this module.
FETCH_MEDIA = "tasks.fetch_media.fetch_media"
AT_ONCE: Mapping[int, datetime] = MappingProxyType({})


class CircuitBreaker:
    """Remembers for a while that the broker is away."""

    def __init__(self) -> None:
        self._open_until = 0.0

    def is_open(self) -> bool:
        return time.monotonic() < self._open_until

    def trip(self) -> None:
        self._open_until = time.monotonic() + PAUSE_S


class ProducerPool:
    """Connections to publish over, each in the hands of one thread at a time.

    A thread that finds the broker away closes what nobody uses, and never what another thread
    uses: client libraries fail in odd ways when a connection is closed under them. No thread
    waits for another one either, because a broker confirms a message when it is on its disk.
    """

    def __init__(self) -> None:
        self._idle: deque[Producer] = deque()
        self._made_anew = 0

    @contextmanager
    def one(self) -> Iterator[Producer]:
        """Yield one for a while; after a failure it is not used again, nor any older one."""
        era = self._made_anew
        producer = self._idle_or_new()
        try:
            yield producer
        except BaseException:
            self.forget()
            raise
        finally:
            if era == self._made_anew:
                self._idle.append(producer)
            else:
                _close(producer)

    def _idle_or_new(self) -> Producer:
        try:
            return self._idle.pop()
        except IndexError:
            # Asking first whether there is one would be too early: another thread may take it.
            return Producer(publisher())

    def forget(self) -> None:
        """Connect anew from now on, because a broker that restarted knows no old connection."""
        self._made_anew += 1
        with suppress(IndexError):
            while True:
                _close(self._idle.pop())


breaker = CircuitBreaker()
producer_pool = ProducerPool()


def dispatch(
    media_ids: Sequence[int], queue: str = MEDIA, due: Mapping[int, datetime] = AT_ONCE
) -> bool:
    """Publish one task a media item over one channel; tell whether the broker took them all.

    The task of an item that is `due` later is held back until then. Never raises for a broker
    that is away, and takes about a second at most: the rows are durable, and the sweep publishes
    what was not.
    """
    if not media_ids or published(partial(_publish, media_ids, queue, due)):
        return True
    MediaItem.objects.mark_undispatched(media_ids)
    return False


def published(publish: Callable[[Producer], None]) -> bool:
    """Let somebody publish messages, within the bounds; tell whether the broker took them all."""
    if breaker.is_open():
        return False
    try:
        with producer_pool.one() as producer:
            publish(producer)
    except Exception as error:
        # Whatever it is: the rows are durable, and Twilio is to get its 200 for them.
        _note_failure(error)
        return False
    return True


def _note_failure(error: Exception) -> None:
    breaker.trip()
    known = isinstance(error, broker_errors())
    logger.warning(
        "the broker took no tasks (%s); the sweep will",
        type(error).__name__,
        exc_info=None if known else error,
    )


def _publish(
    media_ids: Sequence[int], queue: str, due: Mapping[int, datetime], producer: Producer
) -> None:
    now = timezone.now()
    for media_id in media_ids:
        wait_s = (due.get(media_id, now) - now).total_seconds()
        if wait_s > 0:
            app.send_task(
                FETCH_MEDIA,
                kwargs={"media_id": media_id},
                countdown=countdown_s(wait_s),
                queue=queue,
                producer=producer,
                retry=False,
            )
        else:
            _publish_at_once(media_id, queue, producer)


def _publish_at_once(media_id: int, queue: str, producer: Producer) -> None:
    """Publish what `send_task` would, which goes through all that a task could ask for.

    With the result that it makes, that costs the processor a third more.
    """
    message = app.amqp.create_task_message(uuid(), FETCH_MEDIA, kwargs={"media_id": media_id})
    app.amqp.send_task_message(producer, FETCH_MEDIA, message, queue=queue, retry=False)


def publisher() -> Connection:
    """Return the address of the broker with our bounds; it connects when it is used."""
    options = app.conf.broker_transport_options | BOUNDS
    return app.connection_for_write(connect_timeout=CONNECT_TIMEOUT_S, transport_options=options)


def _close(producer: Producer) -> None:
    """Close a connection without a word to the broker, which may not be there to hear it."""
    if producer.connection:
        producer.connection.collect(socket_timeout=0.1)


def queue_capacity(queue: str) -> int:
    """Return how many more messages the sweep may put into this queue.

    More than that would not be worked off any sooner.
    """
    return max(0, settings.QUEUE_MAX_MESSAGES - waiting_messages(queue))


def waiting_messages(queue: str) -> int:
    """Return how many tasks lie in this queue unread; 0 when there is no such queue yet."""
    declared = _declared(queue)
    return int(declared.message_count) if declared else 0


def consumers(queue: str) -> int:
    """Return how many workers take tasks from this queue; 0 where the broker does not tell."""
    declared = _declared(queue)
    return int(declared.consumer_count) if declared else 0


def _declared(queue: str) -> Any:
    """Return what the broker says of this queue, None when there is no such queue yet."""
    with publisher() as connection, connection.channel() as channel:
        try:
            return Queue(queue, channel=channel).queue_declare(passive=True)
        except connection.channel_errors:
            return None


def broker_answers() -> bool:
    """Tell within about a second whether the broker can be reached."""
    return broker_error() is None


def broker_error() -> BaseException | None:
    """Return within about a second why the broker cannot be reached; None if it can."""
    try:
        # Of all ways to connect, only this one heeds the bounds.
        with publisher() as connection:
            _ = connection.default_channel
    except broker_errors() as error:
        return error
    return None


def broker_errors() -> tuple[type[BaseException], ...]:
    """Return what the client library of this broker raises when the broker is away."""
    connection = publisher()
    return (
        OperationalError,
        OSError,
        *connection.connection_errors,
        *connection.channel_errors,
    )
