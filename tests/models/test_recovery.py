"""Items of dead workers and lost messages are found before they time out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from mediapipe.failures import LeaseHeld, LeaseLost, TransientMedia404
from mediapipe.fetching.attempt import conclude
from mediapipe.models import Heartbeat, MediaItem, Status
from mediapipe.models.media.item import LEASE, TAKEOVER_AFTER
from mediapipe.models.media.recovery import (
    LOST_AFTER,
    SILENT_AFTER,
    release_leases,
    release_silent,
    requeue_far_ahead,
    requeue_lost,
)
from mediapipe.models.status import DELIVERY_TIMEOUT, longest_fast_wait
from mediapipe.providers.base import Evidence
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(make.NOON, tick=False) as clock:
        yield clock


def claim_new_item(task_id: str = "task", worker: str = "media@host") -> MediaItem:
    item = MediaItem.claim(make.media().pk, task_id=task_id, worker=worker)
    assert item is not None
    return item


def claim_redelivered(item: MediaItem, task_id: str = "task") -> MediaItem | None:
    return MediaItem.claim(item.pk, task_id=task_id, worker="other@host", redelivered=True)


def test_a_redelivered_message_takes_over_the_lease_of_its_task(
    clock: time_machine.Traveller,
) -> None:
    item = claim_new_item()
    clock.shift(TAKEOVER_AFTER)
    again = claim_redelivered(item)
    assert again
    assert (again.attempts, again.interruptions) == (2, 1)


def test_a_message_that_is_not_redelivered_takes_nothing_over(
    clock: time_machine.Traveller,
) -> None:
    item = claim_new_item()
    clock.shift(TAKEOVER_AFTER)
    assert MediaItem.claim(item.pk, task_id="task") is None


def test_a_redelivered_message_of_another_task_takes_nothing_over(
    clock: time_machine.Traveller,
) -> None:
    item = claim_new_item()
    clock.shift(TAKEOVER_AFTER)
    assert claim_redelivered(item, "another") is None
    item.refresh_from_db()
    assert item.leased_until == make.NOON + LEASE


def test_a_worker_that_renews_its_lease_keeps_it(clock: time_machine.Traveller) -> None:
    item = claim_new_item()
    clock.shift(TAKEOVER_AFTER - SECOND)
    item.renew_lease()
    clock.shift(SECOND)
    with pytest.raises(LeaseHeld):
        claim_redelivered(item)
    item.renew_lease()
    clock.shift(TAKEOVER_AFTER)
    assert MediaItem.claim(item.pk) is None


def test_an_early_redelivery_is_retried_when_the_lease_can_be_taken_over(
    clock: time_machine.Traveller,
) -> None:
    item = claim_new_item()
    clock.shift(SECOND)
    with pytest.raises(LeaseHeld) as until:
        claim_redelivered(item)
    assert until.value.retry_after_s == (TAKEOVER_AFTER - SECOND).total_seconds()
    # If that message is lost, the dispatcher publishes the item at the same time.
    due = MediaItem.objects.claim_due(10, ahead=TAKEOVER_AFTER)
    assert due == {item.pk: make.NOON + TAKEOVER_AFTER}
    clock.shift(TAKEOVER_AFTER)
    assert MediaItem.claim(item.pk) is not None


def test_a_frozen_worker_whose_item_was_taken_over_changes_nothing(
    clock: time_machine.Traveller,
) -> None:
    frozen_item = claim_new_item()
    clock.shift(TAKEOVER_AFTER)
    again = claim_redelivered(frozen_item)
    assert again
    with pytest.raises(LeaseLost):
        conclude(frozen_item, TransientMedia404(), Evidence())
    make.store(again)
    with pytest.raises(LeaseLost):
        make.store(frozen_item)
    frozen_item.refresh_from_db()
    assert (frozen_item.status, frozen_item.not_found_count) == (Status.STORED, 0)


def test_the_leases_of_a_dead_worker_are_released() -> None:
    item, other = claim_new_item(), claim_new_item(worker="other@host")
    assert release_leases("media@host", timezone.now()) == 1
    assert MediaItem.claim(other.pk) is None
    assert MediaItem.claim(item.pk) is not None


def test_an_item_that_another_worker_has_taken_is_not_released(
    clock: time_machine.Traveller,
) -> None:
    item = claim_new_item()
    clock.shift(LEASE)
    assert MediaItem.claim(item.pk, worker="other@host")
    assert release_leases("media@host", timezone.now()) == 0


def test_the_leases_of_a_worker_that_missed_two_heartbeats_are_released(
    clock: time_machine.Traveller,
) -> None:
    Heartbeat.record("worker media@host")
    claim_new_item()
    clock.shift(SILENT_AFTER - SECOND)
    assert release_silent(timezone.now()) == 0
    clock.shift(SECOND)
    assert release_silent(timezone.now()) == 1


def test_a_silent_worker_that_renews_its_leases_keeps_them(
    clock: time_machine.Traveller,
) -> None:
    Heartbeat.record("worker media@host")
    item = claim_new_item()
    clock.shift(SILENT_AFTER - SECOND)
    item.renew_lease()
    clock.shift(SECOND)
    assert release_silent(timezone.now()) == 0


def test_a_lost_message_is_published_again_within_seconds(
    clock: time_machine.Traveller,
) -> None:
    item = make.media()
    clock.shift(LOST_AFTER)
    assert requeue_lost(MediaItem.objects.all(), timezone.now()) == 1
    assert [*MediaItem.objects.claim_due(10)] == [item.pk]


def test_an_item_that_waits_for_a_busy_worker_is_published_again_only_once(
    clock: time_machine.Traveller,
) -> None:
    make.media()
    clock.shift(LOST_AFTER)
    requeue_lost(MediaItem.objects.all(), timezone.now())
    MediaItem.objects.claim_due(10)
    clock.shift(LOST_AFTER + SECOND)
    assert requeue_lost(MediaItem.objects.all(), timezone.now()) == 0
    clock.shift(DELIVERY_TIMEOUT)
    assert len(MediaItem.objects.claim_due(10)) == 1


def test_a_lost_retry_is_published_again_seconds_after_it_was_due(
    clock: time_machine.Traveller,
) -> None:
    item = make.claimed()
    delay = conclude(item, TransientMedia404(), Evidence()).delay
    assert delay
    clock.shift(timedelta(seconds=delay.delay_s) + LOST_AFTER - SECOND)
    assert requeue_lost(MediaItem.objects.all(), timezone.now()) == 0
    clock.shift(SECOND)
    assert requeue_lost(MediaItem.objects.all(), timezone.now()) == 1


def test_a_recently_published_message_is_not_treated_as_lost(clock: time_machine.Traveller) -> None:
    make.media()
    clock.shift(DELIVERY_TIMEOUT)
    MediaItem.objects.claim_due(10)
    clock.shift(LOST_AFTER - SECOND)
    assert requeue_lost(MediaItem.objects.all(), timezone.now()) == 0


def test_an_item_waiting_for_its_slow_attempt_is_not_treated_as_lost(
    clock: time_machine.Traveller,
) -> None:
    item = make.claimed()
    clock.shift(timedelta(seconds=400))
    item.renew_lease()
    conclude(item, TransientMedia404(), Evidence())
    item.refresh_from_db()
    assert item.next_attempt_at
    clock.move_to(item.next_attempt_at - SECOND)
    assert requeue_lost(MediaItem.objects.all(), timezone.now()) == 0


def test_a_lost_retry_is_due_at_once_after_the_clock_was_set_back(
    clock: time_machine.Traveller,
) -> None:
    item = make.claimed()
    conclude(item, TransientMedia404(), Evidence())
    clock.shift(timedelta(days=-2))
    assert requeue_far_ahead(timezone.now()) == 1
    assert [*MediaItem.objects.claim_due(10)] == [item.pk]


def test_the_item_of_a_dead_worker_is_due_at_once_after_the_clock_was_set_back(
    clock: time_machine.Traveller,
) -> None:
    item = claim_new_item()
    clock.shift(timedelta(days=-2))
    assert requeue_far_ahead(timezone.now()) == 1
    assert [*MediaItem.objects.claim_due(10)] == [item.pk]


def test_a_wait_of_the_slow_phase_is_not_mistaken_for_a_clock_set_back(
    clock: time_machine.Traveller,
) -> None:
    item = make.claimed()
    clock.shift(timedelta(seconds=400))
    item.renew_lease()
    conclude(item, TransientMedia404(), Evidence())
    clock.shift(timedelta(seconds=-400))
    assert requeue_far_ahead(timezone.now()) == 0


def test_the_longest_fast_wait_is_not_mistaken_for_a_clock_set_back(
    clock: time_machine.Traveller,
) -> None:
    make.media()
    MediaItem.objects.update(sweep_at=timezone.now() + longest_fast_wait())
    assert requeue_far_ahead(timezone.now()) == 0


@pytest.mark.django_db(transaction=True)
def test_a_row_locked_by_a_frozen_transaction_is_skipped() -> None:
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("SQLite locks no rows")
    claim_new_item()
    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        MediaItem.objects.select_for_update().get()
        assert pool.submit(released_elsewhere).result(timeout=30) == 0


def released_elsewhere() -> int:
    try:
        return release_leases("media@host", timezone.now())
    finally:
        connection.close()
