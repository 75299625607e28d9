"""The items that the dispatcher publishes again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from mediapipe.models import Heartbeat, MediaItem
from mediapipe.settings.queues import MEDIA, RETRIES
from tasks import redispatch as redispatching
from tasks.redispatch import redispatch
from tests.support import make

Dispatched = list[tuple[int, str]]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dispatched(monkeypatch: pytest.MonkeyPatch) -> Dispatched:
    """Collect the items that redispatch publishes, with their queue; the queues count as empty."""
    ids: Dispatched = []
    monkeypatch.setattr(
        redispatching, "dispatch", lambda new, queue, due: ids.extend((pk, queue) for pk in new)
    )
    monkeypatch.setattr(redispatching, "queue_capacity", lambda queue: 1000)
    return ids


def overdue() -> MediaItem:
    item = make.media()
    MediaItem.objects.update(sweep_at=item.received_at)
    return item


def test_redispatch_publishes_overdue_items(dispatched: Dispatched) -> None:
    item = overdue()
    assert redispatch() == 1
    assert dispatched == [(item.pk, MEDIA)]


def test_redispatch_publishes_items_due_before_the_run_after_next(dispatched: Dispatched) -> None:
    soon, _later = make.media(), make.media()
    now = timezone.now()
    MediaItem.objects.update(sweep_at=now + timedelta(seconds=11))
    MediaItem.objects.filter(pk=soon.pk).update(sweep_at=now + timedelta(seconds=9))
    with time_machine.travel(now, tick=False):
        assert redispatch() == 1
    assert dispatched == [(soon.pk, MEDIA)]


def test_redispatch_publishes_retries_to_their_own_queue(dispatched: Dispatched) -> None:
    item = overdue()
    MediaItem.objects.update(attempts=1)
    assert redispatch() == 1
    assert dispatched == [(item.pk, RETRIES)]


def test_redispatch_publishes_the_items_of_a_dead_worker(dispatched: Dispatched) -> None:
    long_ago = timezone.now() - timedelta(seconds=11)
    Heartbeat.objects.create(part="worker media@dead", seen_at=long_ago)
    with time_machine.travel(long_ago):
        item = MediaItem.claim(make.media().pk, worker="media@dead")
    assert item
    assert redispatch() == 1
    assert dispatched == [(item.pk, RETRIES)]


def test_redispatch_publishes_a_lost_message_again_when_the_queue_is_empty(
    dispatched: Dispatched, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    item = make.media(at=timezone.now() - timedelta(seconds=4))
    empty = settings.QUEUE_MAX_MESSAGES
    monkeypatch.setattr(redispatching, "queue_capacity", lambda queue: empty - 1)
    assert redispatch() == 0
    monkeypatch.setattr(redispatching, "queue_capacity", lambda queue: empty)
    assert redispatch() == 1
    assert dispatched == [(item.pk, MEDIA)]


def test_redispatch_publishes_items_claimed_before_the_clock_was_set_back(
    dispatched: Dispatched,
) -> None:
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        item = make.claimed()
    assert redispatch() == 1
    assert dispatched == [(item.pk, RETRIES)]


def test_redispatch_adds_nothing_to_a_full_queue(
    dispatched: Dispatched, monkeypatch: pytest.MonkeyPatch
) -> None:
    overdue()
    monkeypatch.setattr(redispatching, "queue_capacity", lambda queue: 0)
    assert redispatch() == 0
    assert dispatched == []


def test_redispatch_leaves_the_rest_to_its_next_run(
    dispatched: Dispatched, monkeypatch: pytest.MonkeyPatch
) -> None:
    room: Any = 2
    for _ in range(3):
        make.media()
    MediaItem.objects.update(sweep_at=MediaItem.objects.earliest("received_at").received_at)
    monkeypatch.setattr(redispatching, "queue_capacity", lambda queue: room)
    assert redispatch() == room
    assert len(dispatched) == room
