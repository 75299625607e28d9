"""A flood of media in one account does not delay the media of another."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from pytest_django import Settings

from mediapipe.models import MediaItem
from mediapipe.queueing import limits
from mediapipe.queueing.limits import AccountQuota
from mediapipe.simulator import payloads
from tests.support import make
from tests.support.webhooks import send

pytestmark = [pytest.mark.django_db, pytest.mark.database]

BUSY, QUIET = make.ACCOUNT, "AC" + "b2" * 16


@pytest.fixture(autouse=True)
def small_queue(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow each account two messages in the queue, and count them again at each check."""
    settings.QUEUE_MAX_MESSAGES = 4
    monkeypatch.setattr(limits, "QUOTA_CHECK_INTERVAL_S", 0.0)


def receive_pictures(account_sid: str, count: int) -> list[int]:
    """Take in `count` pictures of this account; return their ids."""
    return [make.media(make.message(account_sid=account_sid)).pk for _ in range(count)]


def all_overdue() -> None:
    MediaItem.objects.update(sweep_at=F("received_at") - timedelta(seconds=1))


def test_the_dispatcher_alternates_between_accounts() -> None:
    flood, few = receive_pictures(BUSY, 5), receive_pictures(QUIET, 2)
    all_overdue()
    handed = [*MediaItem.objects.claim_due(4)]
    assert handed == [flood[0], few[0], flood[1], few[1]]
    assert [*MediaItem.objects.claim_due(4)] == flood[2:]


def test_items_over_an_accounts_quota_are_left_to_the_dispatcher(published: list[int]) -> None:
    for _ in range(3):
        assert send(payloads.mms(1, account_sid=BUSY)).status_code == 200
    ids = list(MediaItem.objects.order_by("pk").values_list("pk", flat=True))
    assert published == ids[:2]
    assert [*MediaItem.objects.claim_due(10)] == ids[2:]


def test_a_flood_does_not_use_up_the_quota_of_another_account() -> None:
    receive_pictures(BUSY, 9)
    assert not AccountQuota().allows(BUSY)
    assert AccountQuota().allows(QUIET)


def test_overdue_or_already_attempted_items_do_not_count_towards_the_quota() -> None:
    receive_pictures(BUSY, 3)
    assert not AccountQuota().allows(BUSY)
    MediaItem.objects.filter(pk__in=receive_pictures(BUSY, 1)).update(attempts=1)
    all_overdue()
    assert AccountQuota().allows(BUSY)


def test_the_count_of_queued_items_is_cached_for_a_short_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "QUOTA_CHECK_INTERVAL_S", 60.0)
    remembered = AccountQuota()
    assert remembered.allows(BUSY)
    receive_pictures(BUSY, 9)
    assert remembered.allows(BUSY)
    assert not AccountQuota().allows(BUSY)
