"""Signals tell other Django apps how a media item ended; a failing receiver does no harm."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from mediapipe.failures import RecordingAbsent, StorageFailed, Unauthorized, UrlMissing
from mediapipe.fetching.attempt import conclude
from mediapipe.fetching.completion import complete_absent
from mediapipe.models import MediaItem, Status
from mediapipe.providers.base import Evidence
from mediapipe.signals import media_failed, media_stored
from tests.support import make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


class Listener:
    """Records each signal with the item's status in the database at that moment."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str]] = []

    def stored(self, *, media: MediaItem, **kwargs: Any) -> None:
        self._record("stored", media)

    def failed(self, *, media: MediaItem, **kwargs: Any) -> None:
        self._record("failed", media)

    def _record(self, signal: str, media: MediaItem) -> None:
        assert transaction.get_connection().in_atomic_block is False
        row = MediaItem.objects.get(pk=media.pk)
        assert (media.status, media.error, media.sha256) == (row.status, row.error, row.sha256)
        self.received.append((signal, row.status))


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    media_stored.connect(listener.stored)
    media_failed.connect(listener.failed)
    yield listener
    media_stored.disconnect(listener.stored)
    media_failed.disconnect(listener.failed)


def test_a_signal_is_sent_once_a_stored_item_is_in_the_database(listener: Listener) -> None:
    make.store(make.claimed())
    assert listener.received == [("stored", Status.STORED)]


def test_a_signal_is_sent_for_a_failed_item(listener: Listener) -> None:
    conclude(make.claimed(), Unauthorized(), Evidence())
    assert listener.received == [("failed", Status.FAILED)]


def test_no_signal_is_sent_for_an_item_that_will_be_retried(listener: Listener) -> None:
    conclude(make.claimed(), StorageFailed(), Evidence())
    assert listener.received == []


def test_one_signal_is_sent_for_an_absent_recording(listener: Listener) -> None:
    item = make.media(make.recording())
    for _ in range(2):
        complete_absent(item, RecordingAbsent())
    assert listener.received == [("failed", Status.ABSENT)]


def test_one_signal_is_sent_for_media_announced_as_failed(listener: Listener) -> None:
    broken = make.announced("MM" + "1" * 32, url="", failure=UrlMissing())
    inbound = make.message(media=(broken,))
    for _ in range(2):
        make.event(inbound)
    assert listener.received == [("failed", Status.FAILED)]


def test_no_signal_is_sent_after_a_rollback(listener: Listener) -> None:
    item = make.claimed()
    with pytest.raises(RuntimeError), transaction.atomic():
        conclude(item, Unauthorized(), Evidence())
        raise RuntimeError
    assert listener.received == []


@pytest.fixture
def broken_receiver() -> Iterator[None]:
    def receiver(**kwargs: Any) -> None:
        raise ZeroDivisionError

    media_stored.connect(receiver)
    yield
    media_stored.disconnect(receiver)


def test_a_receiver_that_raises_affects_neither_the_item_nor_other_receivers(
    broken_receiver: None, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        item = make.store(make.claimed())
    assert item.status == Status.STORED
    assert listener.received == [("stored", Status.STORED)]
    assert "ZeroDivisionError" in caplog.text
