"""Large queries read their rows in chunks, without a server-side cursor."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mediapipe.models import MediaItem, RepeatedWebhook, WebhookEvent
from mediapipe.models.chunks import in_chunks
from tests.support import make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


def test_every_row_is_returned_in_the_order_of_the_query() -> None:
    make.event(make.message(5))
    rows = MediaItem.objects.order_by("-pk")
    assert list(in_chunks(rows, size=2)) == list(rows)


def test_related_rows_are_loaded_once_per_chunk_and_columns_match_the_query() -> None:
    make.event(make.message(5))
    rows = MediaItem.objects.select_related("event").prefetch_related("attempt_set").order_by("pk")
    with CaptureQueriesContext(connection) as captured:
        assert all(item.event.pk and not item.attempt_set.all() for item in in_chunks(rows, size=5))
    # One for the ids, one for the rows, and one for the prefetched attempts.
    assert len(captured) == 3
    values = MediaItem.objects.order_by("pk").values_list("pk", "kind")
    assert list(in_chunks(values, size=2)) == list(values)


def test_a_row_repeated_by_a_join_is_returned_as_often_as_in_the_query() -> None:
    for number in range(6):
        event = make.event()
        for digest in range(number):
            RepeatedWebhook.objects.create(
                event=event, digest=str(digest), parameters=[], received_at=event.received_at
            )
    rows = WebhookEvent.objects.order_by("pk").values_list("pk", "repeated__digest")
    assert sorted(in_chunks(rows, size=2)) == sorted(rows)


def test_a_row_that_no_longer_matches_when_its_chunk_is_read_is_left_out() -> None:
    first, second = make.media(), make.media()
    found = in_chunks(MediaItem.objects.queued().order_by("pk"), size=1)
    assert next(found) == first
    MediaItem.objects.filter(pk=second.pk).update(status="stored")
    assert list(found) == []


def test_an_empty_result_needs_only_the_query_for_the_ids() -> None:
    with CaptureQueriesContext(connection) as captured:
        assert list(in_chunks(MediaItem.objects.all())) == []
    assert len(captured) == 1


def test_no_server_side_cursor_is_opened() -> None:
    make.event(make.message(5))
    with CaptureQueriesContext(connection) as captured:
        list(in_chunks(MediaItem.objects.order_by("pk"), size=2))
    assert connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS") in {True, None}
    assert not [query for query in captured if "CURSOR" in query["sql"].upper()]
