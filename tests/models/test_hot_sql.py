"""What every attempt writes: as few questions to the database as it can be asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from mediapipe.models import FetchAttempt, MediaItem, WebhookEvent, hot_sql
from mediapipe.providers.base import Body, Evidence
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

BODY = Body(size=3, sha256="ab" * 32, head=b"abc")


SEEN = {"detail": "seen"}


def test_row_and_attempt_are_written_where_the_row_is_as_expected() -> None:
    item = make.media()
    assert hot_sql.claim(item, {"id": item.pk, "status": "queued"}, SEEN, attempt(item))
    item.refresh_from_db()
    assert (item.detail, item.attempt_set.get().number) == ("seen", 1)


def test_neither_is_written_where_the_row_has_changed() -> None:
    item = make.media()
    assert not hot_sql.claim(item, {"id": item.pk, "status": "stored"}, SEEN, attempt(item))
    item.refresh_from_db()
    assert (item.detail, item.attempt_set.count()) == ("", 0)


def test_the_row_is_unchanged_where_the_attempt_cannot_be_inserted() -> None:
    item = make.media()
    attempt(item).save()
    with pytest.raises(IntegrityError), transaction.atomic():
        hot_sql.claim(item, {"id": item.pk}, SEEN, attempt(item))
    item.refresh_from_db()
    assert item.detail == ""


def test_the_row_is_written_even_if_its_attempt_is_gone() -> None:
    item = make.media()
    ended = FetchAttempt.ended("stored", "", Evidence())
    assert hot_sql.finish(item, {"id": item.pk}, SEEN, attempt(item), ended)


def test_an_attempt_is_not_closed_where_the_lease_is_lost() -> None:
    item = make.claimed()
    ended = FetchAttempt.ended("stored", "", Evidence())
    assert not hot_sql.finish(item, {"id": item.pk, "lease": "other"}, SEEN, attempt(item), ended)
    assert item.attempt_set.get().outcome == ""


def test_an_event_gets_its_media_in_their_order() -> None:
    media = make.message(pictures=10).media
    event, items = announced()
    items = [MediaItem.from_announcement(event, each, timezone.now()) for each in media]
    assert hot_sql.insert_new_with(event, items, "event")
    assert [item.pk for item in items] == sorted(event.media.values_list("pk", flat=True))
    assert {item.event_id for item in items} == {event.pk}
    assert [item.identity for item in event.media.order_by("pk")] == [i.identity for i in media]


def test_no_media_are_inserted_where_the_event_is_known() -> None:
    event, items = announced()
    assert hot_sql.insert_new_with(event, items, "event")
    assert not hot_sql.insert_new_with(*announced(), "event")
    assert (WebhookEvent.objects.count(), MediaItem.objects.count()) == (1, 1)


def test_no_event_is_inserted_where_its_media_cannot_be() -> None:
    event, items = announced()
    items[0].received_at = None  # type: ignore[assignment]  # what the database refuses
    with pytest.raises(IntegrityError), transaction.atomic():
        hot_sql.insert_new_with(event, items, "event")
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize(
    "text", ["100 %s", "'; DROP TABLE media; --", 'a "quoted" name', "ünïcode"]
)
def test_a_text_is_written_as_it_is(text: str) -> None:
    item = make.media()
    assert hot_sql.claim(item, {"id": item.pk}, {"detail": text}, attempt(item))
    item.refresh_from_db()
    assert item.detail == text


def test_an_attempt_takes_three_round_trips_on_postgresql(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    item = make.media()
    # SQLite, which is no journey away, has a transaction around each two of them.
    claiming, storing = {"postgresql": (2, 1), "sqlite": (5, 4)}[connection.vendor]
    with django_assert_num_queries(claiming):
        claimed = MediaItem.claim(item.pk)
    assert claimed is not None
    with django_assert_num_queries(storing):
        claimed.mark_stored(Evidence(), BODY, content_type="image/jpeg", storage_name="a")


def test_other_columns_of_the_event_are_loaded_on_access() -> None:
    claimed = make.claimed()
    event = WebhookEvent.objects.get(pk=claimed.event_id)
    assert claimed.event.subject_sid == event.subject_sid
    assert (claimed.event.parameters, claimed.event.sender) == (event.parameters, event.sender)


def announced() -> tuple[WebhookEvent, list[MediaItem]]:
    """Return the unsaved rows of one and the same event with one media item."""
    message = replace(make.message(), subject_sid="MM" + "1" * 32)
    now = timezone.now()
    event = WebhookEvent.from_message(message, provider="twilio", at=now)
    return event, [MediaItem.from_announcement(event, each, now) for each in message.media]


def attempt(item: MediaItem) -> FetchAttempt:
    """Return the unsaved row of its first attempt."""
    return FetchAttempt(media=item, number=1, phase="fast", started_at=timezone.now())
