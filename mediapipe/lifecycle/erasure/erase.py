"""Erases what belongs to events: files first, then the rows about them, the payload last.

Whoever is interrupted runs it again: an event is found by its payload until all else is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_celery_results.models import TaskResult

from mediapipe.failures import StorageFailed
from mediapipe.lifecycle.erasure import traces
from mediapipe.lifecycle.erasure.subject import Subject
from mediapipe.lifecycle.retention import remove_files
from mediapipe.models import (
    Deletion,
    FetchAttempt,
    HandOff,
    IncidentMedia,
    MediaItem,
    RepeatedWebhook,
    WebhookEvent,
)
from mediapipe.models.outbox import DeliveryStatus

Receipt = dict[str, Any]
BATCH = 200


def survey(subject: Subject) -> Receipt:
    """Return what there is to erase, without erasing it."""
    events = list(subject.events().order_by("pk"))
    media = MediaItem.objects.filter(event__in=events)
    return {
        "asked_for": {subject.name: subject.shown},
        "at": timezone.now().isoformat(),
        "events": [_named(event) for event in events],
        "media_items": media.count(),
        "files": media.exclude(storage_name="").count(),
        "repeated_webhooks": RepeatedWebhook.objects.filter(event__in=events).count(),
        "hand_offs": HandOff.objects.filter(media__in=media).count(),
        "task_results": _results(media).count(),
        **traces.survey(subject, events),
        "kept": {
            "incidents_that_count_them": _incidents(media),
            "media_items_that_twilio_may_still_have": _at_twilio(media),
        },
    }


def erase(subject: Subject, on_progress: Callable[[int], None]) -> Receipt:
    """Erase it; return the receipt, in which `not_erased` says what has to be run again for.

    `on_progress` is called with the number of events that are done since.
    """
    receipt = survey(subject)
    events = list(subject.events().order_by("pk").values_list("pk", flat=True))
    # Before the rows, because they hold what would come back from the spool.
    traces.erase(subject, WebhookEvent.objects.filter(pk__in=events))
    left: list[str] = []
    for ids in _batches(events):
        left += _erase_events(ids)
        on_progress(len(ids))
    return receipt | {"not_erased": left}


def _erase_events(ids: list[int]) -> list[str]:
    """Erase these events as far as possible; return in words what is left."""
    # First, because a webhook that comes in between may announce more.
    WebhookEvent.objects.filter(pk__in=ids).forget()
    media = MediaItem.objects.filter(event__in=ids)
    # A worker that has one in hand finds its lease gone, after it may have kept the file.
    busy = set(media.in_hand(timezone.now()).values_list("event", flat=True))
    media.forget()
    left = [f"an item of event {pk} was being fetched" for pk in sorted(busy)]
    try:
        remove_files(media.exclude(storage_name=""))
    except StorageFailed as failure:
        left.append(f"the storage lets no file be removed ({failure.detail})")
    kept = set(media.exclude(storage_name="").values_list("event", flat=True))
    if kept:
        left += [f"a file of event {pk} is still in the storage" for pk in sorted(kept)]
    _results(media).delete()
    HandOff.objects.filter(media__in=media).delete()
    with transaction.atomic():
        done = WebhookEvent.objects.filter(pk__in=set(ids) - busy - kept)
        RepeatedWebhook.objects.filter(event__in=done).delete()
        done.purge_payloads()
        # Of a short text the digest is as good as the text.
        done.update(digest="")
    return left


def _results(media: QuerySet[MediaItem]) -> QuerySet[Any]:
    tasks = FetchAttempt.objects.filter(media__in=media).exclude(task_id="")
    results: QuerySet[Any] = TaskResult.objects.filter(task_id__in=tasks.values("task_id"))
    return results


def _incidents(media: QuerySet[MediaItem]) -> int:
    return IncidentMedia.objects.filter(media__in=media).values("incident").distinct().count()


def _at_twilio(media: QuerySet[MediaItem]) -> int:
    gone = Deletion.objects.filter(status=DeliveryStatus.DELIVERED, dry_run=False)
    return media.exclude(media_url="").exclude(pk__in=gone.values("media")).count()


def _named(event: WebhookEvent) -> dict[str, str]:
    return {
        "account_sid": event.account_sid,
        "kind": event.kind,
        "subject_sid": event.subject_sid,
        "received_at": event.received_at.isoformat(),
    }


def _batches(ids: list[int]) -> Iterator[list[int]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
