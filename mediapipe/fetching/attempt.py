"""One authenticated, bounded attempt at a media item: one outcome, one decision, one write."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from mediapipe import logs, providers
from mediapipe.failures import (
    AccountBusy,
    AccountRefused,
    ConfigMissing,
    Failure,
    Interrupted,
    LeaseLost,
    LocalFailure,
    RateLimited,
    TooLarge,
    TransientFailure,
    TransientMedia404,
    Unauthorized,
)
from mediapipe.fetching import not_found, storage, video_codec
from mediapipe.fetching.completion import outbox_rows, send_signal
from mediapipe.fetching.content_type import check, sniff
from mediapipe.fetching.http.download import download
from mediapipe.fetching.limits import max_bytes
from mediapipe.fetching.media_types import extension
from mediapipe.fetching.schedule import RetryDelay, Schedule
from mediapipe.models import AccountHealth, Cause, FetchAttempt, Incident, MediaItem, Observation
from mediapipe.models.accounts import RATE_WINDOW
from mediapipe.models.causes import LOCAL_CAUSES
from mediapipe.models.media.item import TAKEOVER_AFTER
from mediapipe.models.status import Phase
from mediapipe.providers.base import Evidence, Kind

logger = logging.getLogger(__name__)

# Often enough that no redelivered message takes over a download that makes progress.
RENEW_EVERY_S = TAKEOVER_AFTER.total_seconds() / 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt led to.

    `failure` is None when the file is stored. `delay` is the wait until the next attempt, None
    when there is none. `countdown_s` is that wait in seconds if a message with a countdown starts
    the attempt, None if the dispatcher does.
    """

    failure: Failure | None = None
    delay: RetryDelay | None = None
    countdown_s: float | None = None


def attempt(media: MediaItem, *, countdown_allowed: Callable[[], bool]) -> Outcome:
    """Try once to store a claimed media item, and record the outcome.

    `countdown_allowed` says whether the broker may hold one more message with a countdown. Raises
    LeaseLost if another worker has taken the item over.
    """
    evidence = Evidence()
    began = time.monotonic()
    try:
        if media.is_poison_message:
            raise Interrupted(f"{media.interruptions} times")
        retrieve(media, evidence)
    except Failure as failure:
        evidence.duration_s = time.monotonic() - began
        cause, changes = _diagnosed(media, failure)
        return conclude(media, cause, evidence, countdown_allowed, **changes)
    except LeaseLost:
        raise
    except Exception as error:
        evidence.duration_s = time.monotonic() - began
        media.mark_interrupted(evidence, type(error).__name__)
        raise
    send_signal(media)
    _report(media, None, evidence)
    return Outcome()


def retrieve(media: MediaItem, evidence: Evidence) -> None:
    """Download, verify and store the file of a claimed item; raise a Failure or LeaseLost."""
    began = time.monotonic()
    event = media.event
    provider = providers.get(event.provider)
    request = provider.media_request(
        url=media.media_url, account_sid=event.account_sid, subject_sid=event.subject_sid
    )
    keep_lease = LeaseKeeper(media)
    with storage.temporary_file() as file:
        body = download(
            request,
            file,
            provider=provider,
            evidence=evidence,
            on_progress=keep_lease,
            max_bytes=max_bytes(media.kind),
        )
        declared, served = media.declared_content_type, evidence.declared_content_type
        check(body.head, declared=declared, served=served)
        content_type = sniff(body.head, declared=declared or served)
        name = storage.storage_name(
            account_sid=event.account_sid,
            subject_sid=event.subject_sid,
            identity=media.identity,
            received_at=media.received_at,
            extension=extension(content_type),
        )
        # While the file is still on this machine, seeking to the codec of a video is cheap.
        codec = video_codec.find_codec(file) if content_type.startswith("video/") else ""
        storage.keep(file, name, keep_lease)
    evidence.duration_s = time.monotonic() - began
    try:
        media.mark_stored(
            evidence,
            body,
            content_type=content_type,
            storage_name=name,
            codec=codec,
            outbox=outbox_rows(media, stored=True),
        )
    except LeaseLost:
        _discard(media, name)
        raise


def _discard(media: MediaItem, name: str) -> None:
    """Remove the file of an item that a user gave up or erased in the meantime.

    No row contains its name, so neither retention nor erasure would find it.
    """
    with transaction.atomic():
        # Locked, because after a manual retry another worker may store a file of the same name.
        ended = MediaItem.objects.failed().filter(pk=media.pk).select_for_update()
        if ended.first():
            storage.remove(name)


def conclude(
    media: MediaItem,
    failure: Failure,
    evidence: Evidence,
    countdown_allowed: Callable[[], bool] = lambda: True,
    **diagnosis: Any,
) -> Outcome:
    """Decide whether and when a failed attempt is retried, and write the decision once.

    `diagnosis` contains the columns of the item that the diagnosis of a 404 changes. Raises
    LeaseLost if another worker has taken the item over.
    """
    delay = _next_delay(media, failure)
    countdown_s = None
    if delay is None:
        media.mark_failed(failure, evidence, outbox=outbox_rows(media, stored=False), **diagnosis)
        send_signal(media)
    else:
        if delay.phase == Phase.FAST and countdown_allowed():
            countdown_s = delay.delay_s
        media.schedule_retry(
            failure,
            evidence,
            phase=delay.phase,
            delay_s=delay.delay_s,
            consumes_retry=delay.consumes_retry,
            by_dispatcher=countdown_s is None,
            **diagnosis,
        )
    _report(media, failure, evidence)
    return Outcome(failure, delay, countdown_s)


def _next_delay(media: MediaItem, failure: Failure) -> RetryDelay | None:
    if not isinstance(failure, TransientFailure):
        return None
    return Schedule.from_settings().next_delay(
        failure,
        fast_retries=media.fast_retries.get(failure.cause, 0),
        slow_retries=media.slow_retries,
        elapsed_s=media.budget_elapsed_s(),
    )


def _diagnosed(media: MediaItem, failure: Failure) -> tuple[Failure, dict[str, Any]]:
    """Return what the failure really means, and the columns that the diagnosis changes."""
    if isinstance(failure, TransientMedia404):
        report = not_found.query_metadata(media) if not_found.is_due(media) else None
        diagnosis = not_found.diagnose(media, failure, report, timezone.now())
        return diagnosis.failure, diagnosis.changes
    if isinstance(failure, Unauthorized) and AccountHealth.is_refused(media.account_sid):
        # Twilio refuses the account, not this item: the account's items wait and none fails.
        return AccountRefused(), {}
    if isinstance(failure, RateLimited) and AccountHealth.is_throttled(media.account_sid):
        # A rate limit that lasts for hours fails no item either.
        return AccountBusy(failure.detail, retry_after_s=failure.retry_after_s), {}
    return failure, {}


def _report(media: MediaItem, failure: Failure | None, evidence: Evidence) -> None:
    """Log the outcome, and count it for incidents and the account's health.

    The outcome is already recorded and the retry is scheduled; an error here affects neither.
    """
    outcome = failure.slug if failure else "stored"
    # The HTTP status does not show a local failure, and operators look in the log first.
    reason = f": {failure.detail}" if isinstance(failure, LocalFailure) and failure.detail else ""
    logger.info(
        "%s attempt %d: %s (HTTP %s)%s",
        media,
        media.attempts,
        outcome,
        evidence.http_status,
        reason,
        extra={
            "media_id": media.pk,
            "event_id": media.event_id,
            "outcome": outcome,
            "twilio_request_id": evidence.request_id,
        },
    )
    with logs.logged_errors(logger, "%s: the outcome was not counted", media):
        _count(media, failure, evidence)


def _count(media: MediaItem, failure: Failure | None, evidence: Evidence) -> None:
    if failure and failure.slug in LOCAL_CAUSES:
        cause = Cause(failure.slug)
        detail = f"{cause.label}: {failure.detail}." if failure.detail else ""
        # No media is added to the incident, because an outage affects all of it.
        seen = Observation(None, None, detail, MediaItem.objects.none())
        Incident.open_or_update(cause, observation=seen)
    elif isinstance(failure, ConfigMissing):
        Incident.open_or_update(Cause.NOT_CONFIGURED, media.account_sid)
    elif isinstance(failure, TooLarge) and media.kind == Kind.RECORDING:
        # Even a single recording opens an incident, because a call cannot be recorded again.
        affected = MediaItem.objects.filter(pk=media.pk)
        seen = Observation(None, None, f"{media.identity}: {failure.detail}.", affected)
        Incident.open_or_update(Cause.RECORDING_SIZE, media.account_sid, seen)
    elif isinstance(failure, RateLimited | AccountBusy):
        requests, limited = FetchAttempt.objects.rate_limited(media.account_sid, RATE_WINDOW)
        AccountHealth.record_rate_limit(media.account_sid, requests, limited)
    elif isinstance(failure, AccountRefused | Unauthorized):
        _count_refusal(media)
    elif media.account_degraded and evidence.http_status:
        AccountHealth.get_or_create_for(media.account_sid).record_response()


def _count_refusal(media: MediaItem) -> None:
    health = AccountHealth.get_or_create_for(media.account_sid)
    started_at = media.attempt.started_at
    if health.record_refusal(started_at):
        # Resume the items that failed before it was clear that the account is refused, including
        # this one if several were refused at the same moment.
        since = health.refused_since or started_at
        MediaItem.objects.resume_unauthorized(media.account_sid, since)


class LeaseKeeper:
    """Called for each packet and block; renews the lease at most every RENEW_EVERY_S seconds.

    Raises LeaseLost if another worker has taken the item over.
    """

    def __init__(self, media: MediaItem) -> None:
        self.media = media
        self.renewed = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self.renewed > RENEW_EVERY_S:
            self.media.renew_lease()
            self.renewed = time.monotonic()
