from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mediapipe.models import MediaItem
from mediapipe.models.distinct import distinct_values
from tests.support import make
from tests.support.query_plans import index_plan

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def create_items_with_types(*content_types: str) -> None:
    event = make.event(make.message(len(content_types)))
    for item, content_type in zip(event.media.all(), content_types, strict=True):
        MediaItem.objects.filter(pk=item.pk).update(content_type=content_type)


def test_each_value_is_listed_once_in_sorted_order() -> None:
    create_items_with_types("video/mp4", "image/png", "image/png", "audio/ogg")
    found = distinct_values(MediaItem, "content_type")
    assert found == ["audio/ogg", "image/png", "video/mp4"]


def test_an_empty_value_is_not_listed() -> None:
    create_items_with_types("", "image/png", "")
    assert distinct_values(MediaItem, "content_type") == ["image/png"]


def test_an_empty_table_has_no_values() -> None:
    assert distinct_values(MediaItem, "content_type") == []


def test_no_more_values_than_the_limit_are_listed() -> None:
    create_items_with_types("a/a", "b/b", "c/c")
    assert distinct_values(MediaItem, "content_type", limit=2) == ["a/a", "b/b"]


@pytest.mark.parametrize("field", ["error", "account_sid", "content_type"])
def test_distinct_values_are_looked_up_in_the_index_of_the_field(field: str) -> None:
    with CaptureQueriesContext(connection) as captured:
        distinct_values(MediaItem, field)
    assert f"media_{field.removesuffix('_sid')}" in index_plan(captured[0]["sql"])
