"""Whose fault is a 404 that goes on? The metadata of the same resource is asked, within bounds.

A 404 looks the same whether the media has not propagated yet, was deleted, lies in a storage
elsewhere, or is asked for with the credentials of another account. Only evidence that repeats
itself over a while ends an item, because the metadata propagates too.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Min
from django.utils import timezone

from mediapipe import providers
from mediapipe.failures import (
    CredentialsSuspected,
    ExternalStorage,
    Failure,
    MediaDeleted,
    RecordingAbsent,
)
from mediapipe.fetching.http.request import send_request
from mediapipe.models import MediaItem, NotFoundCause

logger = logging.getLogger(__name__)

# With every second attempt from the first late one on, this is about a day.
MAX_REQUESTS = 8
# So many media of an account that was never of use, the first of them so long ago.
SUSPICIOUS_MEDIA = 5
SUSPICIOUS_AFTER = timedelta(minutes=15)
# No metadata so far: it propagates, too, or there is none any more.
UNKNOWN = ""
# After these answers a 404 of the metadata means that it is there no more.
KNOWN = (NotFoundCause.PROPAGATING, NotFoundCause.PROCESSING, NotFoundCause.DELETED)


@dataclass(frozen=True, slots=True)
class EvidenceRule:
    """The failure that ends an item once so many answers in a row said so, for so long."""

    failure: type[Failure]
    answers: int
    lasting: timedelta


PROOFS = {
    NotFoundCause.ABSENT: EvidenceRule(RecordingAbsent, 2, timedelta(minutes=1)),
    NotFoundCause.EXTERNAL_STORAGE: EvidenceRule(ExternalStorage, 2, timedelta(minutes=1)),
    NotFoundCause.DELETED: EvidenceRule(MediaDeleted, 3, timedelta(minutes=10)),
    # Never seen at all is the weakest evidence: it may only be very late.
    UNKNOWN: EvidenceRule(MediaDeleted, 4, timedelta(hours=4)),
}


def judge(media: MediaItem, failure: Failure) -> Failure:
    """Return what a 404 of this claimed item really means: `failure` itself as a rule.

    Now and then this costs a request of five seconds at most. Raise LeaseLost if somebody else
    has the item meanwhile.
    """
    if _is_due(media):
        answer = _answer(media)
        media.note_metadata(answer)
        if answer is not None and (proved := _proved(media)):
            return proved
    if media.not_found_because == NotFoundCause.CREDENTIALS_SUSPECTED:
        return CredentialsSuspected(failure.detail)
    return failure


def credentials_suspected(account_sid: str) -> bool:
    """Tell whether all fetches of an account are answered 404 while none ever was otherwise.

    That is consistent, not intermittent: the opposite of media that propagates slowly.
    """
    media = MediaItem.objects.filter(account_sid=account_sid)
    if media.found().exists():
        return False
    late = media.early_404().aggregate(count=Count("pk"), first=Min("received_at"))
    if late["count"] < SUSPICIOUS_MEDIA:
        return False
    return bool(late["first"] <= timezone.now() - SUSPICIOUS_AFTER)


def _is_due(media: MediaItem) -> bool:
    first = settings.METADATA_FROM_ATTEMPT
    late = media.not_found_count + 1 - first
    # An account that is refused or slowed down is asked for no more than its media.
    if not first or media.account_degraded or media.metadata_requests >= MAX_REQUESTS:
        return False
    return late >= 0 and late % 2 == 0


def _answer(media: MediaItem) -> str | None:
    """Return what the metadata says, in the light of what it said before; None for nothing."""
    said = _asked(media)
    if said != NotFoundCause.DELETED:
        return said
    if credentials_suspected(media.account_sid):
        return NotFoundCause.CREDENTIALS_SUSPECTED
    return said if media.not_found_because in KNOWN else UNKNOWN


def _asked(media: MediaItem) -> NotFoundCause | None:
    provider = providers.get(media.event.provider)
    began = time.monotonic()
    try:
        request = provider.metadata_request(
            url=media.media_url,
            account_sid=media.event.account_sid,
            subject_sid=media.event.subject_sid,
        )
        answer = send_request(request)
    except Failure as failure:
        logger.info("%s: its metadata was not to be had: %s", media, failure.slug)
        return None
    finally:
        # The attempt lasted as long as its own request, whatever was asked after it.
        media.began += time.monotonic() - began
    return provider.not_found_cause(answer)


def _proved(media: MediaItem) -> Failure | None:
    proof = PROOFS.get(media.not_found_because)
    if proof is None or media.because_since is None or media.because_count < proof.answers:
        return None
    if timezone.now() - media.because_since < proof.lasting:
        return None
    return proof.failure(f"The metadata said so {media.because_count} times.")
