from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from mediapipe.failures import LeaseLost, StorageFailed, TransientMedia404, Unauthorized
from mediapipe.fetching.attempt import conclude
from mediapipe.models import MediaItem, Status
from mediapipe.models.media.claim import read_for_claim
from mediapipe.models.media.item import LEASE
from mediapipe.models.status import DELIVERY_TIMEOUT
from mediapipe.providers.base import Body, Evidence
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BODY = Body(size=3, sha256="ab" * 32, head=b"abc")


def test_a_claim_opens_an_attempt_and_sets_the_time_of_the_first() -> None:
    item = make.claimed()
    assert (item.status, item.attempts) == (Status.FETCHING, 1)
    row = item.attempt_set.get()
    assert (row.number, row.outcome, row.started_at) == (1, "", item.first_attempt_at)


def test_a_message_delivered_twice_claims_nothing_the_second_time() -> None:
    item = make.claimed()
    assert MediaItem.claim(item.pk) is None
    assert item.attempt_set.count() == 1


def test_only_one_of_two_workers_that_read_the_same_row_claims_it() -> None:
    item = make.media()
    first, second = (read_for_claim(MediaItem, item.pk) for _ in "ab")
    assert first and second
    now = datetime.now(UTC)
    assert first._take(now, "", "")
    assert not second._take(now, "", "")
    assert item.attempt_set.count() == 1


def test_a_stored_item_is_never_claimed_again() -> None:
    item = make.store(make.claimed())
    assert MediaItem.claim(item.pk) is None


def test_an_item_is_not_claimed_before_it_is_due() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        item = make.claimed()
        delay = conclude(item, TransientMedia404(), Evidence()).delay
        assert delay is not None
        clock.shift(timedelta(seconds=delay.delay_s - 0.2))
        assert MediaItem.claim(item.pk) is None
        clock.shift(timedelta(seconds=0.2))
        assert MediaItem.claim(item.pk) is not None


@pytest.mark.parametrize("waits", [True, False])
def test_an_item_can_be_claimed_at_once_after_the_clock_was_set_back(waits: bool) -> None:
    with time_machine.travel(NOON, tick=False):
        item = make.claimed()
        if waits:
            conclude(item, TransientMedia404(), Evidence())
    with time_machine.travel(NOON - timedelta(days=2), tick=False):
        assert MediaItem.claim(item.pk) is not None


def test_a_delay_of_the_slow_phase_is_not_mistaken_for_a_clock_set_back() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        item = make.claimed()
        clock.shift(timedelta(seconds=400))
        item.renew_lease()
        conclude(item, TransientMedia404(), Evidence())
        assert MediaItem.claim(item.pk) is None


def test_a_404_is_counted_and_its_time_is_recorded() -> None:
    item = make.claimed()
    conclude(item, TransientMedia404(), Evidence(http_status=404, error_code=20404))
    item.refresh_from_db()
    assert (item.status, item.error, item.not_found_count) == (Status.RETRYING, "not_ready", 1)
    assert item.last_not_found_at == item.attempt.started_at
    assert (item.http_status, item.twilio_code) == (404, 20404)


def test_a_local_failure_consumes_no_retry() -> None:
    item = make.claimed()
    conclude(item, StorageFailed(), Evidence())
    item.refresh_from_db()
    assert (item.fast_retries, item.slow_retries, item.not_found_count) == ({}, 0, 0)


def test_a_wait_of_the_slow_phase_is_left_to_the_sweep() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        item = make.claimed()
        clock.shift(timedelta(seconds=400))
        item.renew_lease()
        conclude(item, TransientMedia404(), Evidence())
        item.refresh_from_db()
        assert (item.phase, item.slow_retries) == ("slow", 1)
        assert item.sweep_at == item.next_attempt_at


def test_an_item_at_the_end_of_its_schedule_fails_with_the_reason() -> None:
    item = make.claimed()
    item.slow_retries = 7
    assert conclude(item, TransientMedia404(), Evidence()).delay is None
    item.refresh_from_db()
    assert (item.status, item.error, item.sweep_at) == (Status.FAILED, "not_ready", None)


def test_a_final_failure_ends_the_item_at_once() -> None:
    item = make.claimed()
    item.mark_failed(Unauthorized(), Evidence(http_status=401))
    item.refresh_from_db()
    assert (item.status, item.error) == (Status.FAILED, "unauthorized")
    assert item.attempt_set.get().outcome == "unauthorized"


def test_the_times_of_the_last_404_and_the_first_other_response_are_recorded() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        item = make.claimed()
        conclude(item, TransientMedia404(), Evidence())
        clock.shift(timedelta(seconds=2))
        item = claim(item)
        make.store(item, found_at=NOON + timedelta(seconds=2.1))
    item.refresh_from_db()
    assert (item.last_not_found_at, item.found_at) == (NOON, NOON + timedelta(seconds=2.1))


def test_a_404_after_another_response_clears_the_time_found() -> None:
    item = make.claimed()
    conclude(item, TransientMedia404(), Evidence(found_at=NOON))
    item.refresh_from_db()
    assert item.found_at is None


def test_an_expired_lease_lets_another_worker_take_the_item() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        item = make.claimed()
        clock.shift(LEASE + timedelta(seconds=1))
        again = claim(item)
    assert (again.attempts, again.interruptions) == (2, 1)
    outcomes = again.attempt_set.values_list("outcome", flat=True)
    assert list(outcomes) == ["interrupted", ""]


def test_a_renewed_lease_prevents_another_claim() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        item = make.claimed()
        clock.shift(LEASE - timedelta(seconds=1))
        item.renew_lease()
        clock.shift(timedelta(seconds=2))
        assert MediaItem.claim(item.pk) is None


def test_a_worker_that_froze_past_its_lease_changes_nothing() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        frozen_item = make.claimed()
        clock.shift(LEASE + timedelta(seconds=1))
        make.store(claim(frozen_item))
        with pytest.raises(LeaseLost):
            conclude(frozen_item, TransientMedia404(), Evidence())
    frozen_item.refresh_from_db()
    assert frozen_item.status == Status.STORED
    assert frozen_item.attempt_set.get(number=1).outcome == "interrupted"


def test_the_third_interruption_makes_a_poison_message() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        item = make.claimed()
        for expected in (False, False, True):
            clock.shift(LEASE + timedelta(seconds=1))
            item = claim(item)
            assert item.is_poison_message is expected


def test_the_dispatcher_takes_items_that_were_queued_and_never_claimed() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        item = make.media()
        assert [*MediaItem.objects.claim_due(10)] == []
        clock.shift(DELIVERY_TIMEOUT)
        assert [*MediaItem.objects.claim_due(10)] == [item.pk]
        assert [*MediaItem.objects.claim_due(10)] == []


def test_the_dispatcher_takes_items_that_a_dead_worker_held() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        item = make.claimed()
        clock.shift(LEASE)
        assert [*MediaItem.objects.claim_due(10)] == [item.pk]


def test_items_taken_ahead_are_taken_again_only_after_the_delivery_timeout() -> None:
    item = make.media()
    due = timezone.now() + timedelta(seconds=8)
    MediaItem.objects.update(sweep_at=due)
    assert MediaItem.objects.claim_due(10, ahead=timedelta(seconds=10)) == {item.pk: due}
    item.refresh_from_db()
    assert item.sweep_at == due + DELIVERY_TIMEOUT


def test_the_dispatcher_takes_the_oldest_first_and_no_more_than_its_limit() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        items = []
        for _ in range(3):
            items.append(make.media())
            clock.shift(timedelta(seconds=1))
        clock.shift(DELIVERY_TIMEOUT)
        assert [*MediaItem.objects.claim_due(2)] == [items[0].pk, items[1].pk]


def test_the_dispatcher_ignores_finished_items() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        make.store(make.claimed())
        clock.shift(timedelta(days=9))
        assert [*MediaItem.objects.claim_due(10)] == []


@pytest.mark.django_db(transaction=True)
def test_only_one_of_twenty_concurrent_claims_succeeds() -> None:
    item = make.media()

    def take(_: int) -> bool:
        try:
            return MediaItem.claim(item.pk) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(20))) == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_dispatchers_never_take_the_same_item() -> None:
    now = datetime.now(UTC)
    pks = {make.media(at=now - DELIVERY_TIMEOUT).pk for _ in range(20)}

    def sweep(_: int) -> list[int]:
        try:
            return [*MediaItem.objects.claim_due(10)]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        handed = [pk for ids in pool.map(sweep, range(4)) for pk in ids]
    assert len(handed) == len(set(handed))
    assert set(handed) <= pks


def claim(item: MediaItem) -> MediaItem:
    claimed = MediaItem.claim(item.pk)
    assert claimed is not None
    return claimed
