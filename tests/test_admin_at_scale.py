"""No page of the admin gets slower with the rows that it does not show."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mediapipe.admin import pagination
from mediapipe.models import MediaItem
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

LIST = "admin:mediapipe_mediaitem_changelist"


def test_a_list_is_counted_no_further_than_anybody_pages(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagination, "CAP", 3)
    make.event(make.message(5))
    assert "3+ media items" in " ".join(admin_client.get(reverse(LIST)).content.decode().split())


def test_a_list_that_was_counted_to_its_end_says_so(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagination, "CAP", 3)
    make.event(make.message(3))
    html = " ".join(admin_client.get(reverse(LIST)).content.decode().split())
    assert "3 media items" in html
    assert "3+" not in html


def test_the_last_page_of_what_can_be_paged_through_is_there() -> None:
    make.event(make.message(5))
    pages = pagination.CappedPaginator(MediaItem.objects.order_by("pk"), 2)
    assert (pages.count, pages.num_pages, len(pages.page(3))) == (5, 3, 1)


def test_every_count_of_a_list_is_bounded(admin_client: Client) -> None:
    make.media()
    with CaptureQueriesContext(connection) as captured:
        admin_client.get(reverse(LIST))
    counts = [query["sql"] for query in captured if "COUNT(" in query["sql"]]
    assert counts
    assert all(f"LIMIT {pagination.CAP + 1}" in sql for sql in counts)
