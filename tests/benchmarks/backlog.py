"""What a worker has to fetch: all rows and messages exist before it starts.

It imports models: import it only after Django is set up.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from django.utils import timezone
from django_celery_results.models import TaskResult
from kombu import Producer

from mediapipe.celery import app
from mediapipe.models import MediaItem, WebhookEvent
from mediapipe.providers.base import AnnouncedMedia, InboundMessage, Kind
from mediapipe.queueing.dispatch import dispatch, try_publish
from mediapipe.simulator.script import ACCOUNT_SID
from tests.benchmarks.workers import Worker

POLL_EVERY_S = 0.05


class Backlog:
    """The media one worker has to fetch in one round."""

    def __init__(self, folder: Path) -> None:
        """The plain task writes into `folder`."""
        self.folder = folder
        self.count = 0

    def publish(self, worker: Worker, urls: Sequence[str]) -> None:
        """Publish everything to the worker's queue, which it does not consume until `release`."""
        answers = app.control.cancel_consumer(
            worker.queue, destination=worker.hosts, reply=True, timeout=5, limit=len(worker.hosts)
        )
        assert len(answers or ()) == len(worker.hosts), f"{worker.name} ignores remote control."
        TaskResult.objects.all().delete()
        WebhookEvent.objects.all().delete()
        self.count = len(urls)
        done = dispatch(_rows(urls), worker.queue) if worker.ours else self._plain(worker, urls)
        assert done, "The broker did not accept every message."

    def _plain(self, worker: Worker, urls: Sequence[str]) -> bool:
        return try_publish(partial(self._publish_plain, worker, urls))

    def _publish_plain(self, worker: Worker, urls: Sequence[str], producer: Producer) -> None:
        for url in urls:
            path = str(self.folder / url.rpartition("/")[2])
            name = f"{worker.app}.{worker.plain}"
            app.send_task(name, (url, path), queue=worker.queue, producer=producer, retry=False)

    def release(self, worker: Worker) -> None:
        """Make the worker consume its queue again."""
        app.control.add_consumer(worker.queue, destination=worker.hosts)

    def wait(self, stalled_s: float) -> None:
        """Wait until all tasks succeed; raise TimeoutError after `stalled_s` without progress."""
        done, changed = -1, time.monotonic()
        while done < self.count:
            time.sleep(POLL_EVERY_S)
            now = TaskResult.objects.filter(status="SUCCESS").count()
            if now != done:
                done, changed = now, time.monotonic()
            elif time.monotonic() - changed > stalled_s:
                failed = TaskResult.objects.filter(status="FAILURE").count()
                raise TimeoutError(
                    f"{done} of {self.count} are done, {failed} failed, without progress."
                )

    def check(self, worker: Worker) -> None:
        """Raise AssertionError unless our worker has stored all media at the first attempt."""
        if worker.ours:
            stored = MediaItem.objects.filter(status="stored", attempts=1, size__gt=0).count()
            assert stored == self.count, f"{stored} are stored, expected {self.count}"


def _rows(urls: Sequence[str]) -> list[int]:
    events, items = announced(urls)
    save(events, items)
    return [item.pk for item in items]


def announced(urls: Sequence[str]) -> tuple[list[WebhookEvent], list[MediaItem]]:
    """Return the unsaved rows of a message for each URL."""
    now = timezone.now()
    events, items = [], []
    for url in urls:
        message_sid, _, sid = url.split("/")[-3:]
        media = AnnouncedMedia(identity=sid, url=url, media_sid=sid)
        message = InboundMessage(
            kind=Kind.MESSAGE,
            source="messaging",
            account_sid=ACCOUNT_SID,
            subject_sid=message_sid,
            parameters=(("MessageSid", message_sid), ("MediaUrl0", url)),
            media=(media,),
        )
        events.append(WebhookEvent.from_message(message, provider="twilio", at=now))
        items.append(MediaItem.from_announcement(events[-1], media, now))
    return events, items


def save(events: Sequence[WebhookEvent], items: Sequence[MediaItem]) -> None:
    """Insert all these rows."""
    WebhookEvent.objects.bulk_create(events)
    MediaItem.objects.bulk_create(items)
