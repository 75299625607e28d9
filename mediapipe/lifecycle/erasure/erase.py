"""Erases what belongs to events: files first, then the rows about them, the payload last.

Repeating an interrupted erasure completes it: events are found by their payload, so that is erased
last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_celery_results.models import TaskResult

from mediapipe.failures import StorageFailed
from mediapipe.lifecycle.erasure.target import ErasureTarget
from mediapipe.lifecycle.erasure.traces import count_traces, erase_traces, spools
from mediapipe.lifecycle.retention import purge_payloads, remove_files
from mediapipe.models import (
    Deletion,
    FetchAttempt,
    GatewayDelivery,
    GatewayReply,
    HandOff,
    IncidentMedia,
    MediaItem,
    RepeatedWebhook,
    WebhookEvent,
)

Receipt = dict[str, Any]
BATCH = 200


def preview(target: ErasureTarget) -> Receipt:
    """Return the receipt that erasing the target now would give, without erasing anything."""
    events = list(target.events().order_by("pk"))
    media = MediaItem.objects.filter(event__in=events)
    deleted = Deletion.objects.delivered().filter(dry_run=False)
    at_twilio = media.exclude(media_url="").exclude(pk__in=deleted.values("media"))
    incidents = IncidentMedia.objects.filter(media__in=media).values("incident").distinct()
    return {
        "asked_for": {target.name: target.shown},
        "at": timezone.now().isoformat(),
        "events": [
            {
                "account_sid": event.account_sid,
                "kind": event.kind,
                "subject_sid": event.subject_sid,
                "received_at": event.received_at.isoformat(),
            }
            for event in events
        ],
        "media_items": media.count(),
        "files": media.exclude(storage_name="").count(),
        "repeated_webhooks": RepeatedWebhook.objects.filter(event__in=events).count(),
        "gateway_requests": GatewayDelivery.objects.with_request().filter(event__in=events).count(),
        "hand_offs": HandOff.objects.filter(media__in=media).count(),
        "task_results": _task_results(media).count(),
        **count_traces(target, events),
        "spool": spools(target),
        "kept": {
            "incidents_that_count_them": incidents.count(),
            "media_items_that_twilio_may_still_have": at_twilio.count(),
        },
    }


def erase(target: ErasureTarget, on_progress: Callable[[int], None]) -> Receipt:
    """Erase the target and return the receipt; repeat the call if `not_erased` is not empty.

    `on_progress` is called with the number of events erased since the last call.
    """
    receipt = preview(target)
    ids = list(target.events().order_by("pk").values_list("pk", flat=True))
    # Before the rows, because a webhook replayed from the spool would bring them back.
    erase_traces(target, WebhookEvent.objects.filter(pk__in=ids))
    not_erased: list[str] = []
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        not_erased += _erase_events(batch)
        on_progress(len(batch))
    return receipt | {"not_erased": not_erased}


def _erase_events(ids: list[int]) -> list[str]:
    """Erase these events as far as possible; return sentences about what is left."""
    # First, because a repeated webhook that arrives in between may announce more media.
    WebhookEvent.objects.filter(pk__in=ids).mark_erased()
    GatewayReply.objects.filter(delivery__event__in=ids).delete()
    GatewayDelivery.objects.filter(event__in=ids).drop("It was erased on request.")
    media = MediaItem.objects.filter(event__in=ids)
    # A worker that is fetching one of them loses its lease, but may already have saved the file.
    busy = set(media.in_flight(timezone.now()).values_list("event", flat=True))
    media.mark_erased()
    left = [f"an item of event {pk} was being fetched" for pk in sorted(busy)]
    try:
        remove_files(media.exclude(storage_name=""))
    except StorageFailed as failure:
        left.append(f"the storage failed to delete files ({failure.detail})")
    kept = set(media.exclude(storage_name="").values_list("event", flat=True))
    left += [f"a file of event {pk} is still in the storage" for pk in sorted(kept)]
    _task_results(media).delete()
    HandOff.objects.filter(media__in=media).delete()
    with transaction.atomic():
        done = WebhookEvent.objects.filter(pk__in=set(ids) - busy - kept)
        RepeatedWebhook.objects.filter(event__in=done).delete()
        purge_payloads(done)
    return left


def _task_results(media: QuerySet[MediaItem]) -> QuerySet[Any]:
    tasks = FetchAttempt.objects.filter(media__in=media).exclude(task_id="")
    results: QuerySet[Any] = TaskResult.objects.filter(task_id__in=tasks.values("task_id"))
    return results
