from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from mediapipe.failures import FinalFailure
from mediapipe.fetching.media_types import extension
from mediapipe.fetching.storage import storage_name
from mediapipe.management.seed_history.arrivals import RECORDING_TYPE, Arrival, sid
from mediapipe.management.seed_history.bulk_load import insert
from mediapipe.management.seed_history.files import Files
from mediapipe.management.seed_history.outcomes import (
    RESPONSES,
    MadeUpAttempt,
    MadeUpOutcome,
    outcome_of,
)
from mediapipe.management.seed_history.samples import sample
from mediapipe.models import FetchAttempt, MediaItem, Status, WebhookEvent
from mediapipe.models.media import changes
from mediapipe.models.media.item import LEASE
from mediapipe.models.status import DELIVERY_TIMEOUT, Phase
from mediapipe.providers.base import Evidence

PROVIDER = "twilio"
WORKERS = ("celery@worker-1", "celery@worker-2")
CDN = "mms.twiliocdn.com"
# The share of an attempt's duration after which the response's headers have arrived.
HEADERS_SHARE = 0.8


@dataclass(slots=True)
class Rows:
    """Rows that are written together: events before media before attempts."""

    files: Files
    events: list[WebhookEvent] = field(default_factory=list)
    media: list[MediaItem] = field(default_factory=list)
    attempts: list[FetchAttempt] = field(default_factory=list)

    def add(self, arrival: Arrival, until: datetime, rng: Random) -> None:
        """Add what the service would have written about one webhook by `until`."""
        message = replace(arrival.message, home_region="us1")
        event = WebhookEvent.from_message(message, provider=PROVIDER, at=arrival.at)
        event.repeats = arrival.repeats
        event.last_repeat_at = arrival.at + timedelta(seconds=5) if arrival.repeats else None
        self.events.append(event)
        for announced in arrival.message.media:
            item = MediaItem.from_announcement(event, announced, arrival.at)
            lasts_s = (until - arrival.at).total_seconds()
            outcome = outcome_of(announced, arrival, lasts_s=lasts_s, rng=rng)
            attempts = list(_attempts(item, outcome, rng))
            self.files.add(item)
            self.media.append(item)
            self.attempts += attempts

    def save(self) -> None:
        insert(self.events)
        insert(self.media)
        insert(self.attempts)


def _attempts(item: MediaItem, outcome: MadeUpOutcome, rng: Random) -> Iterator[FetchAttempt]:
    """Yield the attempts of an item, and set its columns to their values after the last one."""
    if outcome.absence:
        _set(item, changes.ended(outcome.absence()))
    task_id = str(uuid.UUID(int=rng.getrandbits(128)))
    worker = rng.choice(WORKERS)
    for number, made_up in enumerate(outcome.attempts, start=1):
        attempt = FetchAttempt(
            media=item,
            number=number,
            phase=made_up.phase,
            started_at=item.received_at + timedelta(seconds=made_up.started_s),
            task_id=task_id,
            worker=worker,
        )
        first_attempt_at = item.first_attempt_at or attempt.started_at
        _set(item, changes.first_attempt(item, first_attempt_at))
        item.status, item.attempts = Status.FETCHING, number
        item.budget_started_at = first_attempt_at
        item.leased_until = item.sweep_at = attempt.started_at + LEASE
        if made_up.ended:
            _end(item, attempt, made_up, rng)
        yield attempt


def _end(item: MediaItem, attempt: FetchAttempt, made_up: MadeUpAttempt, rng: Random) -> None:
    """Set the columns of attempt and item that change at the end of the attempt."""
    content_type = item.declared_content_type or RECORDING_TYPE
    status, code = RESPONSES[made_up.failure] if made_up.failure else (200, None)
    headers_at = attempt.started_at + timedelta(seconds=made_up.duration_s * HEADERS_SHARE)
    ended_at = attempt.started_at + timedelta(seconds=made_up.duration_s)
    evidence = Evidence(
        http_status=status,
        error_code=code,
        request_id=sid("RQ", rng) if status else "",
        redirect_host=CDN if status == 200 else "",
        bytes_received=0 if made_up.failure else len(sample(content_type)),
        found_at=headers_at if status == 200 else None,
        home_region="us1" if status else "",
        duration_s=made_up.duration_s,
    )
    failure = made_up.failure(f"HTTP {status}" if status else "") if made_up.failure else None
    ending = (failure.slug, failure.detail) if failure else (Status.STORED.value, "")
    _set(attempt, FetchAttempt.ended(*ending, evidence))
    _set(item, changes.availability(item, failure, evidence, attempt.started_at))
    item.leased_until = None
    item.http_status, item.twilio_code = status, code
    item.twilio_request_id = evidence.request_id
    item.host = evidence.redirect_host or item.host
    item.error, item.detail = ("", "") if failure is None else ending
    if failure is None:
        _store(item, content_type, ended_at)
    elif isinstance(failure, FinalFailure) or made_up.delay is None:
        _set(item, changes.ended(failure) | {"failed_at": ended_at})
    else:
        delay = made_up.delay
        item.status, item.phase = Status.RETRYING, delay.phase
        if delay.consumes_retry and delay.phase == Phase.FAST:
            item.fast_retries[failure.cause] = item.fast_retries.get(failure.cause, 0) + 1
        item.slow_retries += delay.consumes_retry and delay.phase == Phase.SLOW
        item.next_attempt_at = due = ended_at + timedelta(seconds=delay.delay_s)
        # The broker delivers a fast retry; the dispatcher publishes it only if its message is lost.
        item.sweep_at = due if delay.phase == Phase.SLOW else due + DELIVERY_TIMEOUT


def _store(item: MediaItem, content_type: str, at: datetime) -> None:
    item.status, item.retrieved_at = Status.STORED, at
    item.next_attempt_at = item.sweep_at = None
    item.declared_content_type = item.content_type = content_type
    item.size = len(sample(content_type))
    item.storage_name = storage_name(
        account_sid=item.account_sid,
        subject_sid=item.event.subject_sid,
        identity=item.identity,
        received_at=item.received_at,
        extension=extension(item.content_type),
    )


def _set(row: MediaItem | FetchAttempt, columns: dict[str, Any]) -> None:
    for name, value in columns.items():
        setattr(row, name, value)
