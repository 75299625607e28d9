"""Each cause has its own backoff; the retry budgets are those of the item."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from mediapipe.failures import (
    BodyTruncated,
    CredentialsSuspected,
    Failure,
    RateLimited,
    StorageFailed,
    TransientMedia404,
    TwilioError,
)
from mediapipe.fetching.attempt import conclude
from mediapipe.fetching.schedule import JITTER, RetryDelay, Schedule
from mediapipe.models import MediaItem
from mediapipe.models.status import Phase
from mediapipe.providers.base import Evidence
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FOUR_404S = [TransientMedia404()] * 4


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def item_and_delay_after(
    *failures: Failure, clock: time_machine.Traveller
) -> tuple[MediaItem, RetryDelay]:
    """Let one item fail in these ways, each when it is due; return it and its last delay."""
    item, delays = make.media(), list[RetryDelay]()
    for failure in failures:
        claimed = MediaItem.claim(item.pk)
        assert claimed is not None
        delay = conclude(claimed, failure, Evidence()).delay
        assert delay is not None
        delays.append(delay)
        clock.shift(timedelta(seconds=delay.delay_s))
    item.refresh_from_db()
    return item, delays[-1]


def longest_s(retries: int) -> float:
    schedule = Schedule.from_settings()
    return schedule.first_delay_s * schedule.factor**retries * (1 + JITTER)


@pytest.mark.parametrize("failure", [TwilioError(), RateLimited(), BodyTruncated()], ids=repr)
def test_the_backoff_of_another_cause_starts_at_the_first_delay(
    clock: time_machine.Traveller, failure: Failure
) -> None:
    _, delay = item_and_delay_after(*FOUR_404S, failure, clock=clock)
    assert delay.delay_s <= longest_s(0)


def test_the_backoff_of_another_cause_starts_at_its_retry_after(
    clock: time_machine.Traveller,
) -> None:
    _, delay = item_and_delay_after(*FOUR_404S, RateLimited(retry_after_s=7), clock=clock)
    assert delay.delay_s == 7


def test_the_backoff_of_a_recurring_cause_continues_where_it_stopped(
    clock: time_machine.Traveller,
) -> None:
    item, delay = item_and_delay_after(*FOUR_404S, TwilioError(), TransientMedia404(), clock=clock)
    assert longest_s(3) < delay.delay_s <= longest_s(4)
    assert item.fast_retries == {"not_ready": 5, "twilio_error": 1}


def test_a_diagnosed_404_continues_the_backoff_of_the_404s(clock: time_machine.Traveller) -> None:
    item, delay = item_and_delay_after(*FOUR_404S, CredentialsSuspected(), clock=clock)
    assert delay.delay_s > longest_s(3)
    assert item.fast_retries == {"not_ready": 5}


def test_a_local_failure_is_not_counted_as_a_retry(clock: time_machine.Traveller) -> None:
    item, _ = item_and_delay_after(TransientMedia404(), StorageFailed(), clock=clock)
    assert item.fast_retries == {"not_ready": 1}


def test_the_fast_phase_ends_for_all_causes_at_once(clock: time_machine.Traveller) -> None:
    item, _ = item_and_delay_after(TransientMedia404(), clock=clock)
    clock.shift(timedelta(seconds=400))
    claimed = MediaItem.claim(item.pk)
    assert claimed is not None
    delay = conclude(claimed, TwilioError(), Evidence()).delay
    assert delay is not None
    assert delay.phase == Phase.SLOW
