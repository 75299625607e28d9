"""429s of a real rate limit space the requests of the account; a few among many do not."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from mediapipe.failures import AccountBusy, RateLimited
from mediapipe.fetching.attempt import conclude
from mediapipe.models import AccountHealth, Cause, Incident, MediaItem, Status
from mediapipe.models.accounts import LIMITS_TO_THROTTLE, THROTTLE_LASTS
from mediapipe.models.status import DELIVERY_TIMEOUT
from mediapipe.providers.base import Evidence
from mediapipe.simulator import Simulator, faults
from tasks.close_incidents import close_incidents
from tests.support import make
from tests.support.fetching import attempt, picture

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MANY = 2 * LIMITS_TO_THROTTLE


def limited(twilio: Simulator, count: int = 1) -> list[MediaItem]:
    """Attempt this many items that get a 429 each."""
    items = [picture(twilio, faults=[faults.Status(429)]) for _ in range(count)]
    for item in items:
        attempt(item)
    return items


def throttle(account_sid: str = make.ACCOUNT, rate: float = 1.0) -> None:
    now = datetime.now(UTC)
    AccountHealth.objects.create(account_sid=account_sid, rate=rate, limited_at=now)


def throttled() -> bool:
    return AccountHealth.is_throttled(make.ACCOUNT)


def test_a_storm_of_429s_throttles_the_account(twilio: Simulator) -> None:
    with time_machine.travel(NOON, tick=False):
        limited(twilio, LIMITS_TO_THROTTLE)
        assert throttled()
        assert Incident.objects.get().cause == Cause.RATE_LIMIT


def test_a_few_429s_among_many_requests_do_not_throttle_the_account(twilio: Simulator) -> None:
    with time_machine.travel(NOON, tick=False):
        for _ in range(LIMITS_TO_THROTTLE):
            for _ in range(4):
                attempt(picture(twilio))
            limited(twilio)
        assert not throttled()
        assert not Incident.objects.exists()


def test_429s_over_a_longer_time_do_not_throttle_the_account(twilio: Simulator) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(MANY):
            limited(twilio)
            clock.shift(timedelta(seconds=2))
        assert not throttled()


def test_429s_whose_responses_take_over_a_second_throttle_the_account() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        items = [make.claimed() for _ in range(LIMITS_TO_THROTTLE)]
        clock.shift(timedelta(seconds=1.5))
        for item in items:
            conclude(item, RateLimited(), Evidence(http_status=429, duration_s=1.5))
        assert throttled()


def test_requests_of_a_throttled_account_are_spaced() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        throttle(rate=1.0)
        assert MediaItem.claim(make.media().pk)
        waiting = make.media()
        with pytest.raises(AccountBusy):
            MediaItem.claim(waiting.pk)
        clock.shift(timedelta(seconds=1))
        assert MediaItem.claim(waiting.pk)


def retry_after_refusal_s(item: MediaItem) -> float | None:
    """Assert that the rate limit refuses a claim; return after how many seconds to retry it."""
    with pytest.raises(AccountBusy) as busy:
        MediaItem.claim(item.pk)
    item.refresh_from_db()
    return busy.value.retry_after_s


def test_an_item_over_the_rate_limit_is_retried_as_soon_as_the_rate_allows() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        throttle(rate=2.0)
        MediaItem.claim(make.media().pk)
        MediaItem.claim(make.media().pk)
        waiting = make.media()
        delay_s = retry_after_refusal_s(waiting)
        assert delay_s
        assert 0.5 <= delay_s <= 1.0
        assert waiting.sweep_at == NOON + timedelta(seconds=delay_s) + DELIVERY_TIMEOUT
        clock.shift(timedelta(seconds=delay_s))
        assert MediaItem.claim(waiting.pk)


def test_items_that_do_not_fit_before_the_next_run_are_left_to_the_dispatcher() -> None:
    with time_machine.travel(NOON, tick=False):
        throttle(rate=1.0)
        MediaItem.claim(make.media().pk)
        waiting = [make.media() for _ in range(6)]
        assert retry_after_refusal_s(waiting[0]) is None
        assert waiting[0].sweep_at == NOON


def test_the_fast_window_is_paused_while_the_account_is_throttled(twilio: Simulator) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        item = picture(twilio, faults=[faults.Status(404), faults.Status(429)])
        assert attempt(item) == "not_ready"
        began = item.budget_started_at
        assert began and item.next_attempt_at
        clock.move_to(item.next_attempt_at + timedelta(seconds=100))
        throttle(rate=9.0)
        assert attempt(item) == "retrying: account_busy"
        delay = item.next_attempt_at - timezone.now()
        assert item.budget_started_at == began + timedelta(seconds=100) + delay


def test_the_dispatcher_spaces_the_items_that_fit_before_its_next_run() -> None:
    with time_machine.travel(NOON, tick=False):
        throttle(rate=2.0)
        for _ in range(20):
            make.media(at=NOON - timedelta(hours=1))
        due = [*MediaItem.objects.claim_due(100).values()]
        assert len(due) == 10
        assert [(at - NOON).total_seconds() for at in due] == [n / 2 for n in range(10)]


def test_an_account_is_not_slowed_down_by_the_rate_limit_of_another() -> None:
    with time_machine.travel(NOON, tick=False):
        throttle("AC" + "b2" * 16, rate=0.5)
        for _ in range(20):
            make.media(at=NOON - timedelta(hours=1))
        assert set(MediaItem.objects.claim_due(100).values()) <= {NOON}
        assert all(MediaItem.claim(item.pk) for item in MediaItem.objects.all())


def test_the_allowed_rate_grows_until_the_limit_is_lifted() -> None:
    health = AccountHealth(rate=2.0, limited_at=NOON)
    last = NOON + THROTTLE_LASTS
    assert health.rate_at(NOON) == 2.0
    assert 3.2 < health.rate_at(last) < 3.3
    assert health.rate_at(last + timedelta(microseconds=1)) == math.inf


def test_the_limit_is_lifted_seconds_after_the_last_429(twilio: Simulator) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        limited(twilio, LIMITS_TO_THROTTLE)
        clock.shift(THROTTLE_LASTS + timedelta(seconds=1))
        for _ in range(MANY):
            assert attempt(picture(twilio)) == "stored"
        assert not AccountHealth.objects.degraded()
        assert Incident.objects.get().resolved_at is not None


def test_the_incident_of_a_rate_limit_ends_without_another_request(twilio: Simulator) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        limited(twilio, LIMITS_TO_THROTTLE)
        close_incidents()
        assert Incident.objects.ongoing().exists()
        clock.shift(THROTTLE_LASTS)
        close_incidents()
        assert not Incident.objects.ongoing().exists()


def test_a_429_of_a_throttled_account_does_not_use_up_a_retry(twilio: Simulator) -> None:
    with time_machine.travel(NOON, tick=False):
        throttle(rate=9.0)
        item = picture(twilio, faults=[faults.Status(429)])
        assert attempt(item) == "retrying: account_busy"
        assert (item.status, item.fast_retries, item.slow_retries) == (Status.RETRYING, {}, 0)
        assert item.attempt_set.get().http_status == 429


def test_an_item_of_a_throttled_account_is_retried_after_its_retry_after(twilio: Simulator) -> None:
    with time_machine.travel(NOON, tick=False):
        throttle(rate=9.0)
        item = picture(twilio, faults=[faults.Status(429, "7")])
        attempt(item)
        assert item.sweep_at == NOON + timedelta(seconds=7)
