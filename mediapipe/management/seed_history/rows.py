"""The rows that the service would have written about one webhook."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from mediapipe.failures import Failure, FinalFailure, TransientMedia404
from mediapipe.fetching.content_type import extension
from mediapipe.fetching.storage import storage_name
from mediapipe.management.seed_history.arrivals import RECORDING_TYPE, Arrival, sid
from mediapipe.management.seed_history.outcomes import ANSWERS, Fate, Try, fate_of
from mediapipe.models import FetchAttempt, MediaItem, Status, WebhookEvent
from mediapipe.models.delays import queue_lag_s, span, waited_s
from mediapipe.models.media.item import LEASE
from mediapipe.models.status import DELIVERY_TIMEOUT, Phase

PROVIDER = "twilio"
WORKERS = ("celery@worker-1", "celery@worker-2")
CDN = "mms.twiliocdn.com"
ANSWER_SHARE = 0.8


@dataclass(slots=True)
class Rows:
    """What is written at once; events before media before attempts."""

    events: list[WebhookEvent] = field(default_factory=list)
    media: list[MediaItem] = field(default_factory=list)
    attempts: list[FetchAttempt] = field(default_factory=list)

    def add(self, arrival: Arrival, until: datetime, rng: Random) -> None:
        """Add everything that became of one webhook by the end of the history."""
        message = replace(arrival.message, home_region="us1")
        event = WebhookEvent.from_message(message, provider=PROVIDER, at=arrival.at)
        event.repeats = arrival.repeats
        event.last_repeat_at = arrival.at + timedelta(seconds=5) if arrival.repeats else None
        self.events.append(event)
        for announced in arrival.message.media:
            item = MediaItem.from_announcement(event, announced, arrival.at)
            lasts_s = (until - arrival.at).total_seconds()
            fate = fate_of(announced, arrival, lasts_s=lasts_s, rng=rng)
            self.media.append(item)
            self.attempts += _attempts(item, fate, rng)

    def save(self) -> None:
        """Write all rows with as few statements as the database allows."""
        WebhookEvent.objects.bulk_create(self.events)
        MediaItem.objects.bulk_create(self.media)
        FetchAttempt.objects.bulk_create(self.attempts)


def _attempts(item: MediaItem, fate: Fate, rng: Random) -> Iterator[FetchAttempt]:
    """Yield the attempts of an item, and bring its row to where the last of them left it."""
    if fate.absence:
        _end(item, Status.ABSENT, fate.absence)
    task_id = str(uuid.UUID(int=rng.getrandbits(128)))
    worker = rng.choice(WORKERS)
    for number, attempt in enumerate(fate.tries, start=1):
        item.attempts = number
        row = FetchAttempt(
            media=item,
            number=number,
            phase=attempt.phase,
            started_at=item.received_at + timedelta(seconds=attempt.started_s),
            task_id=task_id,
            worker=worker,
        )
        _claim(item, row)
        if attempt.ended:
            _answer(item, row, attempt, rng)
            _conclude(item, row, attempt, fate)
        yield row


def _claim(item: MediaItem, row: FetchAttempt) -> None:
    item.status = Status.FETCHING
    item.first_attempt_at = item.first_attempt_at or row.started_at
    item.budget_started_at = item.first_attempt_at
    item.queue_lag_s = queue_lag_s(item)
    item.leased_until = item.sweep_at = row.started_at + LEASE


def _answer(item: MediaItem, row: FetchAttempt, attempt: Try, rng: Random) -> None:
    """Note what Twilio said, on the attempt and on the item."""
    status, code = ANSWERS[attempt.failure] if attempt.failure else (200, None)
    row.duration_s = attempt.duration_s
    row.http_status = item.http_status = status
    row.twilio_code = item.twilio_code = code
    row.twilio_request_id = item.twilio_request_id = sid("RQ", rng) if status else ""
    row.home_region = "us1" if status else ""
    answered_at = row.started_at + timedelta(seconds=attempt.duration_s * ANSWER_SHARE)
    if attempt.failure is TransientMedia404:
        item.last_not_found_at, item.found_at = row.started_at, None
        item.not_found_count += 1
    elif status == 200:
        row.redirect_host = item.host = CDN
        item.found_at = item.found_at or answered_at
    item.delay_at_least_s = waited_s(item)
    delay = span(item)
    item.delay_at_most_s = delay.at_most_s if delay else None


def _conclude(item: MediaItem, row: FetchAttempt, attempt: Try, fate: Fate) -> None:
    """Note how the attempt ended, and what the item waits for if it waits."""
    item.leased_until = None
    ended_at = row.started_at + timedelta(seconds=attempt.duration_s)
    if attempt.failure is None:
        row.outcome, row.bytes_received = Status.STORED.value, fate.size
        _store(item, fate, ended_at)
        return
    row.outcome = attempt.failure.slug
    row.detail = item.detail = f"HTTP {row.http_status}" if row.http_status else ""
    if issubclass(attempt.failure, FinalFailure) or attempt.wait is None:
        _end(item, Status.FAILED, attempt.failure)
        item.failed_at = ended_at
        return
    item.status, item.error = Status.RETRYING, attempt.failure.slug
    item.phase = attempt.wait.phase
    item.fast_retries += item.phase == Phase.FAST
    item.slow_retries += item.phase == Phase.SLOW
    item.next_attempt_at = ended_at + timedelta(seconds=attempt.wait.delay_s)
    slow = item.phase == Phase.SLOW
    item.sweep_at = item.next_attempt_at if slow else item.next_attempt_at + DELIVERY_TIMEOUT


def _store(item: MediaItem, fate: Fate, at: datetime) -> None:
    item.status, item.error, item.detail = Status.STORED, "", ""
    item.retrieved_at, item.size = at, fate.size
    item.next_attempt_at = item.sweep_at = None
    item.declared_content_type = item.declared_content_type or RECORDING_TYPE
    item.content_type = item.declared_content_type
    item.sha256 = hashlib.sha256(item.identity.encode()).hexdigest()
    item.storage_name = storage_name(
        account_sid=item.account_sid,
        subject_sid=item.event.subject_sid,
        identity=item.identity,
        received_at=item.received_at,
        extension=extension(item.content_type),
    )


def _end(item: MediaItem, status: Status, failure: type[Failure]) -> None:
    item.status, item.error = status, failure.slug
    item.next_attempt_at = item.sweep_at = None
