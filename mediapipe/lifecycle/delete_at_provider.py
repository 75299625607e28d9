"""The end of a media item at Twilio: deleted there only while everything here agrees.

Whatever is not certain keeps it. The rows are asked before the file is read and once more after
it, because reading takes a while; the file is read whole, and must be what was downloaded.
"""

from __future__ import annotations

import logging

from mediapipe import providers
from mediapipe.failures import Failure, StorageFailed, TransientFailure, Undelivered
from mediapipe.fetching import storage
from mediapipe.fetching.http.request import send_request
from mediapipe.models import AccountHealth, Deletion, HandOff, MediaItem, Status
from mediapipe.models.deletions import deletion_policy_for
from mediapipe.models.status import UNFINISHED
from mediapipe.providers.base import PostStorePolicy

logger = logging.getLogger(__name__)

DELETED, GONE = 204, 404
DRY_RUN = "Everything agrees; a dry run deletes nothing."


class DeletionDeferred(Undelivered):
    """Why Twilio keeps it: for now with `again`, else until a person looks at it."""


def delete(owed: Deletion) -> bool:
    """Make one attempt at a deletion that was claimed; tell whether the item is gone."""
    try:
        answer = _deleted(owed)
    except DeletionDeferred as kept:
        owed.undelivered(kept)
        _log(owed, kept)
        return False
    logger.info("media item %d at Twilio: %s", owed.media_id, answer)
    return owed.delivered(answer)


def check(media: MediaItem) -> None:
    """Raise Kept unless every row says that the item is stored and done with."""
    if deletion_policy_for(media) == PostStorePolicy.KEEP:
        raise DeletionDeferred("Its account does not wish it any more.", again=False)
    if media.status in UNFINISHED:
        raise DeletionDeferred(f"The item is {media.status}: it was put back to work.", again=True)
    if media.status != Status.STORED:
        raise DeletionDeferred(f"The item is {media.status}, not stored.", again=False)
    if media.purged_at or not media.storage_name:
        raise DeletionDeferred("Our own file was deleted.", again=False)
    if not media.size or not media.sha256:
        raise DeletionDeferred("Size and SHA-256 of the item are not known.", again=False)
    if AccountHealth.objects.filter(account_sid=media.account_sid, paused_at__isnull=False):
        raise DeletionDeferred("The account is paused: Twilio refuses its credentials.", again=True)
    if HandOff.objects.undelivered().filter(media=media):
        raise DeletionDeferred("Not everybody who waits for the item has taken it.", again=True)


def verify(media: MediaItem) -> None:
    """Read the stored file to its end; raise Kept unless it is the one that was downloaded."""
    try:
        size, sha256 = storage.measured(media.storage_name)
    except FileNotFoundError:
        raise DeletionDeferred("The file is not in the storage any more.", again=False) from None
    except StorageFailed as failure:
        raise DeletionDeferred(
            f"The storage cannot be read: {failure.detail}.", again=True
        ) from None
    if size != media.size:
        raise DeletionDeferred(f"The stored file has {size} bytes, not {media.size}.", again=False)
    if sha256 != media.sha256:
        raise DeletionDeferred("The SHA-256 of the stored file is another one.", again=False)


def _deleted(owed: Deletion) -> str:
    """Return in words what became of it at Twilio; raise Kept."""
    before = _item(owed)
    check(before)
    verify(before)
    now = _item(owed)
    check(now)
    if _file(now) != _file(before):
        raise DeletionDeferred("The item changed while its file was read.", again=True)
    if not owed.is_ours():
        raise DeletionDeferred(
            "Reading the file took so long that another worker took over.", again=True
        )
    if deletion_policy_for(now) == PostStorePolicy.DRY_RUN:
        Deletion.objects.filter(pk=owed.pk).update(dry_run=True)
        return DRY_RUN
    return _asked(now)


def _asked(media: MediaItem) -> str:
    event = media.event
    provider = providers.get(event.provider)
    try:
        request = provider.deletion_request(
            url=media.media_url, account_sid=event.account_sid, subject_sid=event.subject_sid
        )
        answer = send_request(request, method="DELETE")
    except Failure as failure:
        again = isinstance(failure, TransientFailure)
        raise DeletionDeferred(f"{failure.slug}: {failure.detail}", again=again) from None
    if answer.status == DELETED:
        return "Twilio answered 204: it is deleted."
    if answer.status == GONE:
        return "Twilio had it no more."
    meaning = provider.classify(answer)
    again = isinstance(meaning, TransientFailure)
    raise DeletionDeferred(
        f"Twilio answered {answer.status}.", again=again, retry_after_s=answer.retry_after_s
    )


def _item(owed: Deletion) -> MediaItem:
    rows = MediaItem.objects.select_related("event").defer("event__parameters")
    return rows.get(pk=owed.media_id)


def _file(media: MediaItem) -> tuple[object, ...]:
    return media.storage_name, media.size, media.sha256, media.retrieved_at


def _log(owed: Deletion, kept: DeletionDeferred) -> None:
    gave_up = owed.next_attempt_at is None
    logger.log(
        logging.ERROR if gave_up else logging.INFO,
        "media item %d stays at Twilio%s: %s",
        owed.media_id,
        "" if gave_up else " for now",
        kept.why,
        extra={"media_id": owed.media_id},
    )
