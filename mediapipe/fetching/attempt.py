"""One bounded, authenticated attempt at one media item, and what becomes of it."""

from __future__ import annotations

import logging
import time

from django.utils import timezone

from mediapipe import providers
from mediapipe.failures import (
    AccountRefused,
    Failure,
    FinalFailure,
    Interrupted,
    LeaseLost,
    RateLimited,
    StorageFailed,
    TransientFailure,
    TransientMedia404,
    Unauthorized,
)
from mediapipe.fetching import storage, video_codec
from mediapipe.fetching.content_type import check, extension, sniff
from mediapipe.fetching.http.download import download
from mediapipe.fetching.not_found import judge
from mediapipe.models import AccountHealth, Cause, Incident, MediaItem
from mediapipe.models.media.item import LEASE
from mediapipe.models.status import Phase
from mediapipe.providers.base import Evidence

logger = logging.getLogger(__name__)

RENEW_EVERY_S = LEASE.total_seconds() / 3


def attempt(media: MediaItem) -> str:
    """Try once to store a claimed media item; return its new status.

    Raise the TransientFailure, with `retry_in_s` set, when the next attempt is a matter of
    seconds; raise the Failure that ended the item when there will be no next one.
    """
    evidence = Evidence()
    try:
        if media.is_poison_message:
            raise Interrupted(f"{media.interruptions} times")
        return retrieve(media, evidence)
    except TransientMedia404 as failure:
        return _not_found(failure, media, evidence)
    except TransientFailure as failure:
        return _after(failure, media, evidence)
    except Unauthorized as failure:
        if _account_is_refused(media):
            return _after(AccountRefused(), media, evidence)
        _end(failure, media, evidence)
        raise
    except FinalFailure as failure:
        _end(failure, media, evidence)
        raise
    except LeaseLost:
        raise
    except Exception as error:
        media.mark_interrupted(evidence, type(error).__name__)
        raise


def retrieve(media: MediaItem, evidence: Evidence) -> str:
    """Download, verify and keep the file; return the new status or raise a Failure."""
    event = media.event
    provider = providers.get(event.provider)
    request = provider.media_request(
        url=media.media_url, account_sid=event.account_sid, subject_sid=event.subject_sid
    )
    with storage.temporary_file() as file:
        body = download(
            request, file, provider=provider, evidence=evidence, on_progress=LeaseKeeper(media)
        )
        check(body.head, declared=media.declared_content_type)
        content_type = sniff(body.head)
        name = storage.storage_name(
            account_sid=event.account_sid,
            subject_sid=event.subject_sid,
            identity=media.identity,
            received_at=media.received_at,
            extension=extension(content_type),
        )
        # Here the file is still on this machine, where looking for its index costs nothing.
        codec = video_codec.codec(file) if content_type.startswith("video/") else ""
        storage.keep(file, name)
    media.mark_stored(evidence, body, content_type=content_type, storage_name=name, codec=codec)
    _note(None, media, evidence)
    return "stored"


def _account_is_refused(media: MediaItem) -> bool:
    """Tell whether it is the account that Twilio refuses; its items then wait together."""
    trouble = AccountHealth.of(media.account_sid)
    asked_at = media.attempt.started_at
    if not trouble.refused(asked_at):
        return False
    MediaItem.objects.resume_unauthorized(media.account_sid, trouble.refused_since or asked_at)
    return True


def _not_found(failure: TransientMedia404, media: MediaItem, evidence: Evidence) -> str:
    """Try again later, unless the metadata has proved that there is nothing to hope for."""
    meaning = judge(media, failure)
    if isinstance(meaning, TransientFailure):
        return _after(meaning, media, evidence)
    _end(meaning, media, evidence)
    raise meaning


def _end(failure: Failure, media: MediaItem, evidence: Evidence) -> None:
    media.mark_failed(failure, evidence)
    _note(failure, media, evidence)


def _note(failure: Failure | None, media: MediaItem, evidence: Evidence) -> None:
    """Log the outcome, and let it tell about the account and about our storage."""
    _log(media, failure.slug if failure else "stored", evidence)
    if isinstance(failure, StorageFailed):
        Incident.open_or_update(Cause.STORAGE)
    elif isinstance(failure, RateLimited):
        in_flight = MediaItem.objects.in_flight(media.account_sid, timezone.now())
        AccountHealth.of(media.account_sid).rate_limited(in_flight)
    elif isinstance(failure, AccountRefused | Unauthorized):
        return
    elif media.account_degraded and evidence.http_status:
        AccountHealth.of(media.account_sid).answered()


def _after(failure: TransientFailure, media: MediaItem, evidence: Evidence) -> str:
    wait = media.schedule_retry(failure, evidence)
    _note(failure, media, evidence)
    if wait and wait.phase == Phase.SLOW:
        return f"retrying: {failure.slug}"
    failure.retry_in_s = wait.delay_s if wait else None
    raise failure


class LeaseKeeper:
    """Called after each packet; renews the lease now and then, raises LeaseLost if it is gone."""

    def __init__(self, media: MediaItem) -> None:
        self.media = media
        self.renewed = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self.renewed > RENEW_EVERY_S:
            self.media.renew_lease()
            self.renewed = time.monotonic()


def _log(media: MediaItem, outcome: str, evidence: Evidence) -> None:
    logger.info(
        "%s attempt %d: %s (HTTP %s)",
        media,
        media.attempts,
        outcome,
        evidence.http_status,
        extra={
            "media_id": media.pk,
            "event_id": media.event_id,
            "outcome": outcome,
            "twilio_request_id": evidence.request_id,
        },
    )
