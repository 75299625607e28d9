"""A message becomes an event and its media items: once, however often and in whatever order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F

from mediapipe.failures import Absence
from mediapipe.models import MediaItem, RepeatedWebhook, Tally, WebhookEvent
from mediapipe.models.events import digest_of
from mediapipe.models.querysets import UNFINISHED
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
            Tally.add({("webhooks", message.kind): 1, ("repeats", message.kind): 1})
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
    _add_media(event, message.media, received_at, reconciled_at)
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
    if event.purged_at:
        # What retention deleted does not come back with a late repeat.
        told = {}
    WebhookEvent.objects.filter(pk=event.pk).update(
        repeats=F("repeats") + 1, last_repeat_at=reconciled_at or received_at, **told
    )
    _keep_what_differs(event, message, reconciled_at or received_at)
    _add_media(event, message.media, received_at, reconciled_at)
    _apply_absences(event, message.media)
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
    rows = [MediaItem.announced(event, item, at, reconciled_at=reconciled_at) for item in media]
    over = [row.identity for row in rows if row.status not in UNFINISHED]
    # The event is locked or nobody's yet, so that nobody else adds any meanwhile.
    known = set(event.media.values_list("identity", flat=True)) if over else set()
    MediaItem.objects.bulk_create(rows, ignore_conflicts=True)
    for item in event.media.filter(identity__in=set(over) - known) if over else ():
        item.hand_on()


def _apply_absences(event: WebhookEvent, media: Iterable[AnnouncedMedia]) -> None:
    """A <Record> action may have announced what the status callback then calls absent."""
    for announced in media:
        if isinstance(announced.failure, Absence):
            event.media.get(identity=announced.identity).mark_absent(announced.failure)
