"""Deletes stored media at Twilio, where the account's policy says so and every check passes.

In case of doubt the item stays at Twilio, because a deletion there cannot be undone. The rows are
checked before and after the stored file is read, because they may change in between.
"""

from __future__ import annotations

import logging

from django.db import models

from mediapipe import providers
from mediapipe.failures import Failure, StorageFailed, TransientFailure, Undelivered
from mediapipe.fetching import storage
from mediapipe.fetching.completion import deletion_policy_for
from mediapipe.fetching.http.request import send_request
from mediapipe.lifecycle.outbox import record_failure
from mediapipe.models import (
    AccountHealth,
    Completion,
    Deletion,
    GatewayDelivery,
    HandOff,
    MediaItem,
    Status,
)
from mediapipe.models.status import UNFINISHED
from mediapipe.providers.base import PostStorePolicy

logger = logging.getLogger(__name__)

DELETED, GONE = 204, 404
DRY_RUN = "All checks passed; a dry run deletes nothing."


class DeletionDeferred(Undelivered):
    """Why the item stays at Twilio: for now with `again`, otherwise until a user retries it."""


def delete(deletion: Deletion) -> bool:
    """Make one attempt at a claimed deletion; return whether it is done."""
    try:
        result = _attempt(deletion)
    except DeletionDeferred as deferred:
        to = f"delete media item {deletion.media_id} at Twilio"
        # Waiting is normal here, for example until a receiver has accepted the item.
        record_failure(deletion, deferred, to, level=logging.INFO)
        return False
    logger.info("media item %d at Twilio: %s", deletion.media_id, result)
    return deletion.mark_delivered(result)


def require_deletable(media: MediaItem) -> None:
    """Raise DeletionDeferred unless every row says that the item is stored and processed."""
    if deletion_policy_for(media) == PostStorePolicy.KEEP:
        raise DeletionDeferred("The account's policy no longer allows it.", again=False)
    if media.status in UNFINISHED:
        raise DeletionDeferred(f"The item is {media.status}: it is being retried.", again=True)
    if media.status != Status.STORED:
        raise DeletionDeferred(f"The item is {media.status}, not stored.", again=False)
    if media.purged_at or not media.storage_name:
        raise DeletionDeferred("The stored file was deleted.", again=False)
    if not media.size or not media.sha256:
        raise DeletionDeferred("The size and SHA-256 of the item are unknown.", again=False)
    if undelivered_to_apps(media):
        raise DeletionDeferred("Not every app has taken the message yet.", again=True)
    health = AccountHealth.objects.filter(account_sid=media.account_sid).first()
    if health and health.paused_at:
        raise DeletionDeferred(f"The account is paused: {health.why_paused}.", again=True)
    if undelivered_hand_offs(media):
        raise DeletionDeferred("Not every receiver has taken the item yet.", again=True)


def undelivered_to_apps(media: MediaItem) -> models.QuerySet[GatewayDelivery]:
    """Return the deliveries to apps that the deletion of this item waits for."""
    # An app fetches the media itself, from Twilio. A request that is kept can be sent again.
    return GatewayDelivery.objects.with_request().filter(event=media.event_id)


def undelivered_hand_offs(media: MediaItem) -> models.QuerySet[HandOff]:
    """Return the hand-offs that the deletion of this item waits for."""
    return HandOff.objects.undelivered().filter(media=media, ending=Completion.STORED)


def verify_stored_file(media: MediaItem) -> None:
    """Read the stored file; raise DeletionDeferred unless size and SHA-256 are as downloaded."""
    try:
        size, sha256 = storage.read_size_and_hash(media.storage_name)
    except FileNotFoundError:
        raise DeletionDeferred("The file is missing from the storage.", again=False) from None
    except StorageFailed as failure:
        reason = f"The storage cannot be read: {failure.detail}."
        raise DeletionDeferred(reason, again=True) from None
    if size != media.size:
        raise DeletionDeferred(f"The stored file has {size} bytes, not {media.size}.", again=False)
    if sha256 != media.sha256:
        raise DeletionDeferred("The SHA-256 of the stored file differs.", again=False)


def _attempt(deletion: Deletion) -> str:
    before = _load_media(deletion)
    require_deletable(before)
    verify_stored_file(before)
    now = _load_media(deletion)
    require_deletable(now)
    if _file_identity(now) != _file_identity(before):
        raise DeletionDeferred("The item changed while its file was read.", again=True)
    if not deletion.is_leased():
        raise DeletionDeferred("The lease ended while the file was read.", again=True)
    if deletion_policy_for(now) == PostStorePolicy.DRY_RUN:
        Deletion.objects.filter(pk=deletion.pk).update(dry_run=True)
        return DRY_RUN
    return _request_deletion(now)


def _request_deletion(media: MediaItem) -> str:
    event = media.event
    provider = providers.get(event.provider)
    try:
        request = provider.deletion_request(
            url=media.media_url, account_sid=event.account_sid, subject_sid=event.subject_sid
        )
        response = send_request(request, method="DELETE")
    except Failure as failure:
        again = isinstance(failure, TransientFailure)
        raise DeletionDeferred(f"{failure.slug}: {failure.detail}", again=again) from None
    if response.status == DELETED:
        return "Twilio responded with 204: deleted."
    if response.status == GONE:
        return "Twilio no longer had it."
    again = isinstance(provider.classify(response), TransientFailure)
    raise DeletionDeferred(
        f"Twilio responded with {response.status}.",
        again=again,
        retry_after_s=response.retry_after_s,
    )


def _load_media(deletion: Deletion) -> MediaItem:
    rows = MediaItem.objects.select_related("event").defer("event__parameters")
    return rows.get(pk=deletion.media_id)


def _file_identity(media: MediaItem) -> tuple[object, ...]:
    return media.storage_name, media.size, media.sha256, media.retrieved_at
