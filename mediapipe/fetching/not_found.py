"""Finds out from the metadata of a resource why its media URL keeps returning 404.

The 404 is the same whether the media has not propagated yet, was deleted, is in external storage,
or belongs to another account. Metadata propagates too, so an item ends only after repeated
evidence, as RULES requires.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

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

# One after every second 404, from METADATA_FROM_ATTEMPT on: enough for about a day.
MAX_REQUESTS = 8
# An account's credentials are suspected once this many of its media have returned nothing but 404s
# and the first of them was received this long ago.
SUSPICIOUS_MEDIA = 5
SUSPICIOUS_AFTER = timedelta(minutes=15)
# No metadata: it has not propagated yet, or it was deleted.
UNKNOWN = ""
# After one of these, a 404 for the metadata means that the media has since been deleted.
SEEN_BEFORE = (NotFoundCause.PROPAGATING, NotFoundCause.PROCESSING, NotFoundCause.DELETED)


@dataclass(frozen=True, slots=True)
class EvidenceRule:
    """An item ends with `failure` once `responses` in a row agree, for at least `lasting`."""

    failure: type[Failure]
    responses: int
    lasting: timedelta


RULES = {
    NotFoundCause.ABSENT: EvidenceRule(RecordingAbsent, 2, timedelta(minutes=1)),
    NotFoundCause.EXTERNAL_STORAGE: EvidenceRule(ExternalStorage, 2, timedelta(minutes=1)),
    NotFoundCause.DELETED: EvidenceRule(MediaDeleted, 3, timedelta(minutes=10)),
    # Metadata that was never seen is the weakest evidence: it may just be very late.
    UNKNOWN: EvidenceRule(MediaDeleted, 4, timedelta(hours=4)),
}


@dataclass(frozen=True, slots=True)
class Report:
    """What one query of the metadata showed; `cause` is None without a usable response."""

    cause: str | None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a 404 means, and the columns of the media item that record it."""

    failure: Failure
    changes: dict[str, Any] = field(default_factory=dict)


def is_due(media: MediaItem) -> bool:
    """Return whether to query the metadata after this 404.

    That is after every second 404 from number METADATA_FROM_ATTEMPT on, MAX_REQUESTS times.
    """
    first = settings.METADATA_FROM_ATTEMPT
    # For an account that is refused or rate-limited, only the media itself is requested.
    if not first or media.account_degraded or media.metadata_requests >= MAX_REQUESTS:
        return False
    late = media.not_found_count + 1 - first
    return late >= 0 and late % 2 == 0


def query_metadata(media: MediaItem) -> Report:
    """Query the provider for the metadata of this item, for five seconds at most."""
    event = media.event
    provider = providers.get(event.provider)
    try:
        request = provider.metadata_request(
            url=media.media_url, account_sid=event.account_sid, subject_sid=event.subject_sid
        )
        cause: str | None = provider.not_found_cause(send_request(request))
    except Failure as failure:
        logger.info("%s: its metadata is unavailable: %s", media, failure.slug)
        return Report(None)
    if cause != NotFoundCause.DELETED:
        return Report(cause)
    if credentials_suspected(media.account_sid):
        return Report(NotFoundCause.CREDENTIALS_SUSPECTED)
    return Report(cause if media.not_found_because in SEEN_BEFORE else UNKNOWN)


def diagnose(media: MediaItem, failure: Failure, report: Report | None, now: datetime) -> Diagnosis:
    """Return what a 404 of this item means, given what its metadata showed this time.

    Usually that is `failure` itself: the media is not available yet. `report` is None if the
    metadata was not queried.
    """
    if report is None:
        return Diagnosis(_unless_suspected(failure, media.not_found_because))
    changes: dict[str, Any] = {"metadata_requests": media.metadata_requests + 1}
    if report.cause is None:
        return Diagnosis(_unless_suspected(failure, media.not_found_because), changes)
    repeated = report.cause == media.not_found_because and media.because_since is not None
    since = media.because_since if repeated and media.because_since else now
    count = media.because_count + 1 if repeated else 1
    changes |= {
        "not_found_because": report.cause,
        "because_since": since,
        "because_count": count,
    }
    rule = RULES.get(NotFoundCause(report.cause) if report.cause else UNKNOWN)
    if rule and count >= rule.responses and now - since >= rule.lasting:
        return Diagnosis(rule.failure(f"The metadata said so {count} times."), changes)
    return Diagnosis(_unless_suspected(failure, report.cause), changes)


def credentials_suspected(account_sid: str) -> bool:
    """Return whether the account's media has returned nothing but 404s for SUSPICIOUS_AFTER.

    At least SUSPICIOUS_MEDIA items must have a 404. Slow propagation delays some of the media,
    wrong credentials all of it.
    """
    media = MediaItem.objects.filter(account_sid=account_sid)
    if media.found().exists():
        return False
    late = media.early_404().aggregate(count=Count("pk"), first=Min("received_at"))
    if late["count"] < SUSPICIOUS_MEDIA:
        return False
    return bool(late["first"] <= timezone.now() - SUSPICIOUS_AFTER)


def _unless_suspected(failure: Failure, cause: str) -> Failure:
    suspected = cause == NotFoundCause.CREDENTIALS_SUSPECTED
    return CredentialsSuspected(failure.detail) if suspected else failure
