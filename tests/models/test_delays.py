from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from mediapipe.failures import TransientMedia404
from mediapipe.fetching.attempt import conclude
from mediapipe.models import MediaItem
from mediapipe.models.delays import queue_lag_s, span
from mediapipe.providers.base import Body, Evidence
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

RECEIVED = datetime(2026, 7, 1, 12, tzinfo=UTC)
BODY = Body(size=3, sha256="ab" * 32, head=b"abc")


def test_the_delays_of_a_row_follow_from_its_times() -> None:
    item = make.media(at=RECEIVED)
    not_found(item, at_s=0.25)
    found(item, at_s=2)
    assert (item.queue_lag_s, item.delay_at_least_s, item.delay_at_most_s) == (0.25, 0.25, 2)
    delay = span(item)
    assert delay is not None
    assert (delay.at_least_s, delay.at_most_s) == (item.delay_at_least_s, item.delay_at_most_s)
    assert queue_lag_s(item) == item.queue_lag_s


def test_media_found_by_the_first_attempt_has_a_lower_bound_of_zero() -> None:
    item = make.media(at=RECEIVED)
    found(item, at_s=0.5)
    assert (item.delay_at_least_s, item.delay_at_most_s) == (0, 0.5)


def test_a_delay_has_no_upper_bound_until_the_media_is_found() -> None:
    item = make.media(at=RECEIVED)
    not_found(item, at_s=0.25)
    not_found(item, at_s=2)
    assert (item.delay_at_least_s, item.delay_at_most_s) == (2, None)


def test_a_later_attempt_leaves_the_queue_lag_as_it_was() -> None:
    item = make.media(at=RECEIVED)
    not_found(item, at_s=0.25)
    not_found(item, at_s=2)
    assert item.queue_lag_s == 0.25


def test_a_clock_set_back_makes_no_negative_delay() -> None:
    item = make.media(at=RECEIVED)
    not_found(item, at_s=1)
    found(item, at_s=3, says_s=-3600)
    assert (item.delay_at_least_s, item.delay_at_most_s) == (1, 1)


def not_found(item: MediaItem, at_s: float) -> None:
    """Make an attempt this long after the webhook that gets a 404."""
    with time_machine.travel(RECEIVED + timedelta(seconds=at_s), tick=False):
        conclude(claimed(item), TransientMedia404(), Evidence())
    item.refresh_from_db()


def found(item: MediaItem, at_s: float, says_s: float | None = None) -> None:
    """Make a successful attempt `at_s` after the webhook, `says_s` by the worker's clock."""
    moment = RECEIVED + timedelta(seconds=at_s if says_s is None else says_s)
    with time_machine.travel(RECEIVED + timedelta(seconds=at_s), tick=False):
        evidence = Evidence(found_at=moment)
        claimed(item).mark_stored(evidence, BODY, content_type="image/jpeg", storage_name="a.jpg")
    item.refresh_from_db()


def claimed(item: MediaItem) -> MediaItem:
    claimed_item = MediaItem.claim(item.pk)
    assert claimed_item is not None
    return claimed_item
