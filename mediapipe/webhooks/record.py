"""A message becomes an event and its media items: once, however often and in whatever order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F

from mediapipe.failures import Absence
from mediapipe.fetching.completion import complete_absent, complete_announced
from mediapipe.models import Counter, MediaItem, RepeatedWebhook, WebhookEvent
from mediapipe.models.events import digest_of
from mediapipe.models.status import UNFINISHED
from mediapipe.providers.base import AnnouncedMedia, InboundMessage

# What a later webhook may tell that an earlier one about the same recording left out.
COMPLETED_FIELDS = ("call_sid", "conference_sid", "conversation_sid", "sender", "recipient")


def record(
    message: InboundMessage,
    *,
    provider: str,
    received_at: datetime,
    home_region: str = "",
    reconciled_at: datetime | None = None,
) -> WebhookEvent:
    """Return the event of this message, durable when this returns.

    The same subject from any webhook URL, twice, in any order or at once, is one event, and
    each of its media is one item. What was found at `reconciled_at` instead of being announced
    counts as received when it came to Twilio.
    """
    try:
        with transaction.atomic():
            return _first(message, provider, received_at, home_region, reconciled_at)
    except IntegrityError:
        # Somebody announced this subject before us, or in this very moment.
        with transaction.atomic():
            event = _repeat(message, provider, received_at, reconciled_at)
        if reconciled_at is None:
            Counter.add({("webhooks", message.kind): 1, ("repeats", message.kind): 1})
        return event


def _first(
    message: InboundMessage,
    provider: str,
    received_at: datetime,
    home_region: str,
    reconciled_at: datetime | None,
) -> WebhookEvent:
    event = WebhookEvent.announced(
        message, provider=provider, at=received_at, home_region=home_region
    )
    event.save(force_insert=True)
    # Nobody else knows the event yet, so nothing of it is there to conflict with; and a database
    # tells the ids of what it inserts only where it may not leave anything out.
    rows = MediaItem.objects.bulk_create(_rows(event, message.media, received_at, reconciled_at))
    for item in rows:
        if item.status not in UNFINISHED:
            complete_announced(item)
    event.queued = [item.pk for item in rows if item.status in UNFINISHED]
    return event


def _repeat(
    message: InboundMessage, provider: str, received_at: datetime, reconciled_at: datetime | None
) -> WebhookEvent:
    event = WebhookEvent.objects.select_for_update().get(
        provider=provider,
        account_sid=message.account_sid,
        kind=message.kind,
        subject_sid=message.subject_sid,
    )
    told = {name: getattr(message, name) for name in COMPLETED_FIELDS if not getattr(event, name)}
    if event.purged_at or event.forgotten_at:
        # What was deleted does not come back with a late repeat.
        told = {}
    WebhookEvent.objects.filter(pk=event.pk).update(
        repeats=F("repeats") + 1, last_repeat_at=reconciled_at or received_at, **told
    )
    if event.forgotten_at:
        # Not even media that nobody had announced before: it is the same person's.
        event.queued = []
        return event
    _keep_what_differs(event, message, reconciled_at or received_at)
    _add_media(event, message.media, received_at, reconciled_at)
    _apply_absences(event, message.media)
    # What is still queued, not what is new: a repeat then heals a dispatch that failed.
    event.queued = list(event.media.queued().values_list("pk", flat=True))
    return event


def _keep_what_differs(event: WebhookEvent, message: InboundMessage, at: datetime) -> None:
    digest = digest_of(message.source, message.parameters)
    if digest != event.digest and not event.purged_at:
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
    over = [row.identity for row in rows if row.status not in UNFINISHED]
    # The event is locked, so that nobody else adds any meanwhile.
    known = set(event.media.values_list("identity", flat=True)) if over else set()
    MediaItem.objects.bulk_create(rows, ignore_conflicts=True)
    for item in event.media.filter(identity__in=set(over) - known) if over else ():
        complete_announced(item)


def _rows(
    event: WebhookEvent,
    media: Iterable[AnnouncedMedia],
    at: datetime,
    reconciled_at: datetime | None,
) -> list[MediaItem]:
    """Return the unsaved rows, one also for what the message names twice."""
    once: dict[str, AnnouncedMedia] = {}
    for item in media:
        once.setdefault(item.identity, item)
    return [
        MediaItem.from_announcement(event, item, at, reconciled_at=reconciled_at)
        for item in once.values()
    ]


def _apply_absences(event: WebhookEvent, media: Iterable[AnnouncedMedia]) -> None:
    """A <Record> action may have announced what the status callback then calls absent."""
    for announced in media:
        if isinstance(announced.failure, Absence):
            complete_absent(event.media.get(identity=announced.identity), announced.failure)
