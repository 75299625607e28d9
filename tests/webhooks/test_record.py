from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from mediapipe.failures import AddressRefused, RecordingTooShort
from mediapipe.models import HandOff, MediaItem, RepeatedWebhook, Status, WebhookEvent
from mediapipe.providers.base import AnnouncedMedia, InboundMessage
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_a_message_is_recorded_as_one_event_with_an_item_for_each_picture() -> None:
    event = make.event(make.message(pictures=10))
    assert event.media.count() == 10
    assert set(event.media.values_list("status", flat=True)) == {Status.QUEUED}


def test_a_message_without_media_is_recorded_all_the_same() -> None:
    event = make.event(make.message(pictures=0))
    assert event.pk
    assert not event.media.exists()


def test_parameters_are_stored_in_their_order_including_empty_values() -> None:
    parameters = (("Body", ""), ("A", "2"), ("A", "1"), ("NewThing", "\u202eüber 🎉"))
    event = make.event(make.message(parameters=parameters))
    event.refresh_from_db()
    assert [tuple(pair) for pair in event.parameters] == list(parameters)


def test_a_repeated_message_is_counted_and_changes_nothing_else() -> None:
    message = make.message()
    first, second = make.event(message), make.event(message)
    second.refresh_from_db()
    assert (first.pk, second.repeats) == (second.pk, 1)
    assert MediaItem.objects.count() == 1
    assert not RepeatedWebhook.objects.exists()


def test_a_repeat_with_different_parameters_is_stored_once() -> None:
    message = make.message()
    make.event(message)
    fallback = replace(message, parameters=(*message.parameters, ("ErrorCode", "11200")))
    make.event(fallback)
    event = make.event(fallback)
    event.refresh_from_db()
    assert event.repeats == 2
    assert event.repeated.count() == 1


def refused(number: int) -> AnnouncedMedia:
    url = f"https://evil.example/{number}"
    return AnnouncedMedia(f"refused-{number}", url, failure=AddressRefused("not Twilio's"))


def test_repeats_are_counted_beyond_the_limits_on_stored_repeats_and_refused_media(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr("mediapipe.webhooks.record.MAX_REPEATED", 3)
    monkeypatch.setattr("mediapipe.webhooks.record.MAX_REFUSED", 4)
    settings.HANDOFF_WEBHOOK_URL = "https://crm.example/"
    message = make.message()
    make.event(message)
    for number in range(10):
        cut = (*message.parameters, ("X", f"{number}"))
        media = (*message.media, refused(number))
        event = make.event(replace(message, parameters=cut, media=media))
    event.refresh_from_db()
    assert (event.repeats, event.repeated.count(), event.media.count()) == (10, 3, 1 + 4)
    assert HandOff.objects.count() == 4


def test_media_that_can_be_fetched_is_added_beyond_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mediapipe.webhooks.record.MAX_REFUSED", 0)
    message = make.message(pictures=2)
    make.event(replace(message, media=message.media[:1]))
    event = make.event(replace(message, media=(*message.media, refused(1))))
    assert set(event.media.values_list("identity")) == {(one.identity,) for one in message.media}


def test_a_repeat_fills_in_missing_fields_truncated_to_the_column() -> None:
    message = make.message(sender="")
    make.event(message)
    event = make.event(replace(message, sender="1" * 300, recipient="another"))
    event.refresh_from_db()
    assert (event.sender, event.recipient) == ("1" * 255, message.recipient)


def test_a_repeat_that_names_more_media_adds_only_the_new_items() -> None:
    message = make.message(pictures=2)
    make.event(replace(message, media=message.media[:1]))
    assert make.event(message).media.count() == 2


def test_a_recording_named_by_action_and_status_callback_is_one_item() -> None:
    status = make.recording()
    action = replace(status, parameters=(("RecordingSid", status.subject_sid),), sender="+1555")
    make.event(action)
    event = make.event(status)
    assert WebhookEvent.objects.count() == event.media.count() == 1


def test_a_later_webhook_fills_in_a_field_missing_from_the_first() -> None:
    status = make.recording()
    make.event(replace(status, call_sid=""))
    event = make.event(status)
    event.refresh_from_db()
    assert event.call_sid == status.call_sid


def test_media_announced_by_a_later_webhook_has_the_time_of_that_webhook() -> None:
    finished = make.recording()
    make.event(replace(finished, media=()), at=timezone.now() - timedelta(hours=1))
    item = make.event(finished).media.get()
    assert (timezone.now() - item.received_at).total_seconds() < 60


def test_an_absent_recording_is_recorded_with_the_reason() -> None:
    item = make.media(absent(make.recording()))
    assert (item.status, item.error) == (Status.ABSENT, "recording_too_short")
    assert item.sweep_at is None


def test_a_webhook_that_reports_a_recording_absent_ends_its_queued_item() -> None:
    finished = make.recording()
    item = make.media(finished)
    make.event(absent(finished))
    item.refresh_from_db()
    assert (item.status, item.sweep_at) == (Status.ABSENT, None)


def test_an_action_webhook_does_not_requeue_an_absent_recording() -> None:
    finished = make.recording()
    make.event(absent(finished))
    assert make.event(finished).media.get().status == Status.ABSENT


def test_a_refused_url_is_recorded_as_a_failed_item_beside_the_queued_ones() -> None:
    message = make.message()
    bad = AnnouncedMedia("refused-1", "file:///etc/passwd", failure=AddressRefused("file:"))
    event = make.event(replace(message, media=(*message.media, bad)))
    assert event.media.get(identity="refused-1").error == "address_refused"
    assert event.media.queued().count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_webhook_sent_twenty_times_concurrently_is_recorded_as_one_event() -> None:
    message = make.message(pictures=3)

    def record(_: int) -> None:
        try:
            make.event(message)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(record, range(20)))
    event = WebhookEvent.objects.get()
    assert (event.repeats, event.media.count()) == (19, 3)


def absent(message: InboundMessage) -> InboundMessage:
    (media,) = message.media
    return replace(message, media=(replace(media, failure=RecordingTooShort()),))


def test_media_named_twice_in_a_message_is_one_item_and_queued_once() -> None:
    message = make.message()
    event = make.event(replace(message, media=message.media * 2))
    assert event.queued == [event.media.get().pk]


def test_a_repeat_returns_only_the_items_that_are_still_queued() -> None:
    message = make.message(2)
    first = make.event(message)
    MediaItem.claim(first.queued[0])
    assert make.event(message).queued == first.queued[1:]
