"""What follows the end of a media item: its outbox rows, and the signals to other Django apps.

Both an attempt and a webhook can end an item. The rows are inserted in the transaction that ends
it, so that no crash loses one.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.utils import timezone

from mediapipe import providers
from mediapipe.failures import Absence
from mediapipe.models import Completion, Deletion, HandOff, MediaItem, Receiver, Status
from mediapipe.providers.base import PostStorePolicy
from mediapipe.signals import media_failed, media_stored, send_after_commit


def outbox_rows(media: MediaItem, *, stored: bool) -> list[models.Model]:
    """Return the unsaved rows that the end of this item adds to the outbox.

    One hand-off per configured receiver; for a stored item, also its deletion at the provider
    where the account's policy asks for it.
    """
    completion = Completion.STORED if stored else Completion.FAILED
    rows: list[models.Model] = [
        HandOff(media=media, receiver=receiver, ending=completion)
        for receiver in Receiver.configured_for(completion)
    ]
    if stored and (deletion := deletion_of(media)):
        rows.append(deletion)
    return rows


def deletion_of(media: MediaItem) -> Deletion | None:
    """Return the unsaved deletion of a stored item at the provider; None if it is kept there."""
    if deletion_policy_for(media) == PostStorePolicy.KEEP:
        return None
    stored_at = media.retrieved_at or timezone.now()
    due = stored_at + timedelta(seconds=settings.TWILIO_DELETE_AFTER_S)
    return Deletion(media=media, next_attempt_at=due)


def deletion_policy_for(media: MediaItem) -> PostStorePolicy:
    """Return what the account wants done with the provider's copy of a stored item."""
    try:
        return providers.get(media.event.provider).post_store_policy(media.account_sid)
    except ImproperlyConfigured:
        # An accounts file that cannot be read must not delete anything.
        return PostStorePolicy.KEEP


def send_signal(media: MediaItem) -> None:
    """Send `media_stored` or `media_failed` once the transaction, if there is one, commits."""
    stored = media.status == Status.STORED
    send_after_commit(media_stored if stored else media_failed, media)


def complete_announced(media: MediaItem) -> None:
    """Insert the outbox rows of an item that had ended when announced, and send its signal."""
    for row in outbox_rows(media, stored=False):
        row.save(force_insert=True)
    send_signal(media)


def complete_absent(media: MediaItem, absence: Absence) -> None:
    """End an item whose file was never created, unless it is stored or already absent."""
    if media.mark_absent(absence, outbox_rows(media, stored=False)):
        send_signal(media)
