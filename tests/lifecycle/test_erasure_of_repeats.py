"""A repeated webhook does not bring back what was erased."""

from __future__ import annotations

from typing import Any

import pytest

from mediapipe.lifecycle.retention import remove_files
from mediapipe.models import (
    MediaItem,
    Status,
)
from mediapipe.simulator import Simulator
from tests.support import make
from tests.support.erasure import NUMBER, forget, receive_picture, stored

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("ada")]


def test_a_queued_item_is_never_fetched_after_its_erasure(twilio: Simulator) -> None:
    item = receive_picture(twilio)
    forget("--message-sid", item.event.subject_sid)
    item.refresh_from_db()
    assert (item.status, item.error) == (Status.FAILED, "forgotten")
    assert MediaItem.claim(item.pk) is None
    assert MediaItem.objects.filter(pk=item.pk).retry() == []
    assert twilio.log.of(item.identity) == []


def test_a_repeated_webhook_does_not_restore_erased_data(twilio: Simulator) -> None:
    item = stored(twilio)
    forget("--message-sid", item.event.subject_sid)
    media = make.announced(item.event.subject_sid, identity=item.identity, url=item.media_url)
    again = make.message(subject_sid=item.event.subject_sid, sender=NUMBER, media=(media,))
    event = make.event(again)
    event.refresh_from_db()
    assert (event.parameters, event.sender, event.media.count()) == ([], "", 1)
    assert not event.repeated.exists()


def test_a_repeated_webhook_with_more_media_adds_none_of_it(twilio: Simulator) -> None:
    item = stored(twilio)
    forget("--message-sid", item.event.subject_sid)
    again = make.message(subject_sid=item.event.subject_sid, sender=NUMBER, pictures=3)
    event = make.event(again)
    assert (event.queued, event.media.count()) == ([], 1)
    event.refresh_from_db()
    assert event.repeats == 1


def test_a_repeated_webhook_during_an_erasure_adds_no_media(
    twilio: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = stored(twilio)

    def announced_again(*files: Any) -> int:
        make.event(make.message(subject_sid=item.event.subject_sid, sender=NUMBER, pictures=3))
        return remove_files(*files)

    monkeypatch.setattr("mediapipe.lifecycle.erasure.erase.remove_files", announced_again)
    forget("--message-sid", item.event.subject_sid)
    assert item.event.media.count() == 1


def test_a_message_sent_after_the_erasure_is_recorded(twilio: Simulator) -> None:
    stored(twilio)
    forget("--number", NUMBER)
    assert receive_picture(twilio).status == Status.QUEUED
