from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from mediapipe.models import MediaItem
from mediapipe.models.distinct import distinct_values
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

EXPLAIN = {"postgresql": "EXPLAIN", "sqlite": "EXPLAIN QUERY PLAN"}


def having_types(*content_types: str) -> None:
    event = make.event(make.message(len(content_types)))
    for item, content_type in zip(event.media.all(), content_types, strict=True):
        MediaItem.objects.filter(pk=item.pk).update(content_type=content_type)


def test_each_value_is_listed_once_in_sorted_order() -> None:
    having_types("video/mp4", "image/png", "image/png", "audio/ogg")
    found = distinct_values(MediaItem, "content_type")
    assert found == ["audio/ogg", "image/png", "video/mp4"]


def test_an_empty_value_is_not_listed() -> None:
    having_types("", "image/png", "")
    assert distinct_values(MediaItem, "content_type") == ["image/png"]


def test_an_empty_table_has_no_values() -> None:
    assert distinct_values(MediaItem, "content_type") == []


def test_no_more_values_than_the_limit_are_listed() -> None:
    having_types("a/a", "b/b", "c/c")
    assert distinct_values(MediaItem, "content_type", limit=2) == ["a/a", "b/b"]


@pytest.mark.parametrize("field", ["error", "account_sid", "content_type"])
def test_distinct_values_are_looked_up_in_the_index_of_the_field(field: str) -> None:
    with CaptureQueriesContext(connection) as captured:
        distinct_values(MediaItem, field)
    # On an empty table the planner prefers a sequential scan, as it would not on a million rows.
    with connection.cursor() as cursor, transaction.atomic():
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"{EXPLAIN[connection.vendor]} {captured[0]['sql']}")
        plan = str(cursor.fetchall())
    assert f"media_{field.removesuffix('_sid')}" in plan
