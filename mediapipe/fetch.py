"""One bounded, authenticated attempt at one media item, and what becomes of it."""

from __future__ import annotations

import logging
import time

from mediapipe import content, providers, storage
from mediapipe.failures import (
    FinalFailure,
    Interrupted,
    LeaseLost,
    TransientFailure,
)
from mediapipe.models import MediaItem
from mediapipe.models.media import LEASE
from mediapipe.schedule import Phase
from mediapipe.transport.download import Evidence, download

logger = logging.getLogger(__name__)

RENEW_EVERY_S = LEASE.total_seconds() / 3


def attempt(media: MediaItem) -> str:
    """Try once to store a claimed media item; return its new status.

    Raise the TransientFailure, with `retry_in_s` set, when the next attempt is a matter of
    seconds; raise the Failure that ended the item when there will be no next one.
    """
    evidence = Evidence()
    try:
        if media.poisonous:
            raise Interrupted(f"{media.interruptions} times")
        return retrieve(media, evidence)
    except TransientFailure as failure:
        return _after(failure, media, evidence)
    except FinalFailure as failure:
        media.mark_failed(failure, evidence)
        _log(media, failure.slug, evidence)
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
        content.check(body.head, declared=media.declared_content_type)
        content_type = content.sniff(body.head)
        name = storage.storage_name(
            account_sid=event.account_sid,
            subject_sid=event.subject_sid,
            identity=media.identity,
            received_at=media.received_at,
            extension=content.extension(content_type),
        )
        storage.keep(file, name)
    media.mark_stored(evidence, body, content_type=content_type, storage_name=name)
    _log(media, "stored", evidence)
    return "stored"


def _after(failure: TransientFailure, media: MediaItem, evidence: Evidence) -> str:
    wait = media.put_back(failure, evidence)
    _log(media, failure.slug, evidence)
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
            "request_id": evidence.request_id,
        },
    )
