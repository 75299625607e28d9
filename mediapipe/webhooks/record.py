from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from datetime import datetime

from django.db import transaction
from django.db.models import F

from mediapipe import logs
from mediapipe.failures import Absence
from mediapipe.fetching.completion import complete_absent, complete_announced
from mediapipe.gateway.capture import capture
from mediapipe.gateway.entries import entries_for
from mediapipe.models import (
    Counter,
    HourlyCounts,
    MediaItem,
    RepeatedWebhook,
    WebhookEvent,
    hot_sql,
)
from mediapipe.models.events import digest_of
from mediapipe.models.status import UNFINISHED
from mediapipe.providers.base import (
    AnnouncedMedia,
    InboundMessage,
    Kind,
    WebhookRequest,
    unique,
)

logger = logging.getLogger(__name__)

# How many rows differing repeats, and refused media in repeats, may add to one event. Twilio signs
# no time, and names and values without separators: one captured request can be sent in hundreds of
# variants, forever. Beyond these limits, repeats are only counted.
MAX_REPEATED = 50
MAX_REFUSED = 50
# The source of events that reconciliation finds.
RECONCILED = "reconciliation"
NOT_FORWARDED: Mapping[str, str] = {}


def record(
    message: InboundMessage,
    *,
    provider: str,
    received_at: datetime,
    reconciled_at: datetime | None = None,
    request: WebhookRequest | None = None,
    forwarded: Mapping[str, str] = NOT_FORWARDED,
) -> WebhookEvent:
    """Return the event of this message, durable when this returns.

    Webhooks about the same subject, from any URL, repeated, in any order or concurrently, are one
    event, and each of its media is one item. `reconciled_at` is set for a message that was found by
    reconciliation; `received_at` is then the time at which the provider received it. `request` is
    the verified webhook, for the apps behind the gateway; `forwarded` has the outcome for each app
    that already got it.
    """
    event = WebhookEvent.from_message(message, provider=provider, at=received_at)
    media = _rows(event, message.media, received_at, reconciled_at)
    if _insert(event, media, message, request, forwarded):
        return event
    # Announced before, or by a concurrent request that has committed by now.
    with transaction.atomic():
        event = _merge(message, provider, received_at, reconciled_at)
        if request and _is_new_to_apps(event, message):
            event.has_deliveries = capture(event, message, request, forwarded)
        HourlyCounts.invalidate([received_at])
    if reconciled_at is None:
        with logs.logged_errors(logger, "a repeated webhook was not counted"):
            Counter.add({("webhooks", message.kind): 1, ("repeats", message.kind): 1})
    return event


def _insert(
    event: WebhookEvent,
    media: list[MediaItem],
    message: InboundMessage,
    request: WebhookRequest | None,
    forwarded: Mapping[str, str],
) -> bool:
    """Insert the event with its media; return False if there is one for this subject."""
    ended = [item for item in media if item.status not in UNFINISHED]
    apps = entries_for(event.account_sid, message.recipient, message.source) if request else ()
    late = HourlyCounts.may_include(event.received_at)
    # A transaction takes longer than the statement, so it is used only if more is written.
    with transaction.atomic() if ended or apps or late else nullcontext():
        is_new = hot_sql.insert_new_with(event, media, "event")
        if late:
            # From the spool, or found by reconciliation.
            HourlyCounts.invalidate([event.received_at])
        for item in ended if is_new else ():
            complete_announced(item)
        if is_new and request and apps:
            event.has_deliveries = capture(event, message, request, forwarded)
    event.queued = [item.pk for item in media if item.status in UNFINISHED]
    return is_new


def _is_new_to_apps(event: WebhookEvent, message: InboundMessage) -> bool:
    """Return whether this repeated webhook may be new to the apps behind the gateway.

    A webhook that reconciliation has found may still arrive, for example from the spool. For a
    recording, each status has its own webhook.
    """
    follows = event.source == RECONCILED or message.kind == Kind.RECORDING
    return follows and not event.forgotten_at


def _merge(
    message: InboundMessage, provider: str, received_at: datetime, reconciled_at: datetime | None
) -> WebhookEvent:
    event = WebhookEvent.objects.select_for_update().get(
        provider=provider,
        account_sid=message.account_sid,
        kind=message.kind,
        subject_sid=message.subject_sid,
    )
    completed = {
        name: value
        for name, value in WebhookEvent.optional_values(message).items()
        # A late repeat must not restore what was deleted.
        if not (getattr(event, name) or event.purged_at or event.forgotten_at)
    }
    WebhookEvent.objects.filter(pk=event.pk).update(
        repeats=F("repeats") + 1, last_repeat_at=reconciled_at or received_at, **completed
    )
    if event.forgotten_at:
        # Media that is announced for the first time is not added either: it is the same person's.
        event.queued = []
        return event
    _keep_differing(event, message, reconciled_at or received_at)
    _add_media(event, message.media, received_at, reconciled_at)
    for announced in message.media:
        # A <Record> action may have announced media that the status callback reports as absent.
        if isinstance(announced.failure, Absence):
            complete_absent(event.media.get(identity=announced.identity), announced.failure)
    # All queued items, not only the new ones: a repeat then makes up for a failed dispatch.
    event.queued = list(event.media.queued().values_list("pk", flat=True))
    return event


def _keep_differing(event: WebhookEvent, message: InboundMessage, at: datetime) -> None:
    digest = digest_of(message.source, message.parameters)
    if digest == event.digest or event.purged_at or event.repeated.count() >= MAX_REPEATED:
        return
    row = RepeatedWebhook(
        event=event,
        source=message.source,
        parameters=message.parameters,
        digest=digest,
        received_at=at,
    )
    RepeatedWebhook.objects.bulk_create([row], ignore_conflicts=True)


def _add_media(
    event: WebhookEvent,
    media: Iterable[AnnouncedMedia],
    at: datetime,
    reconciled_at: datetime | None,
) -> None:
    rows = _rows(event, media, at, reconciled_at)
    ended = [row for row in rows if row.status not in UNFINISHED]
    # The event is locked, so no other transaction adds media in between.
    known = dict(event.media.values_list("identity", "media_sid")) if ended else {}
    new = [row for row in ended if row.identity not in known]
    # None for a purged event: there is nothing to fetch, and the row has what the sender wrote.
    room = 0 if event.purged_at else max(0, MAX_REFUSED - list(known.values()).count(""))
    left_out = [row for row in new if not row.media_sid][room:]
    MediaItem.objects.bulk_create(
        [row for row in rows if row not in left_out], ignore_conflicts=True
    )
    added = [row.identity for row in new if row not in left_out]
    for item in event.media.filter(identity__in=added) if added else ():
        complete_announced(item)


def _rows(
    event: WebhookEvent,
    media: Iterable[AnnouncedMedia],
    at: datetime,
    reconciled_at: datetime | None,
) -> list[MediaItem]:
    return [
        MediaItem.from_announcement(event, item, at, reconciled_at=reconciled_at)
        for item in unique(media)
    ]
