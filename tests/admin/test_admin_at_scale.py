"""No page of the admin gets slower because of rows that it does not show."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mediapipe.admin import readonly
from mediapipe.models import MediaItem
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

LIST = "admin:mediapipe_mediaitem_changelist"


def test_a_list_is_counted_only_up_to_the_cap(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readonly, "CAP", 3)
    make.event(make.message(5))
    assert "3+ media items" in " ".join(admin_client.get(reverse(LIST)).content.decode().split())


def test_a_list_within_the_cap_shows_its_exact_count(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readonly, "CAP", 3)
    make.event(make.message(3))
    html = " ".join(admin_client.get(reverse(LIST)).content.decode().split())
    assert "3 media items" in html
    assert "3+ media" not in html


def test_the_paginator_includes_the_last_partial_page() -> None:
    make.event(make.message(5))
    pages = readonly.CappedPaginator(MediaItem.objects.order_by("pk"), 2)
    assert (pages.count, pages.num_pages, len(pages.page(3))) == (5, 3, 1)


def test_a_deep_page_has_its_rows_and_does_not_load_the_rows_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readonly, "DEEP", 2)
    make.event(make.message(5))
    rows = MediaItem.objects.select_related("event").order_by("-pk")
    with CaptureQueriesContext(connection) as captured:
        page = list(readonly.CappedPaginator(rows, 2).page(2))
    assert page == list(rows)[2:4]
    (passing,) = (query["sql"] for query in captured if "OFFSET" in query["sql"])
    assert "media_url" not in passing
    assert "JOIN" not in passing


def test_every_count_of_a_list_is_bounded(admin_client: Client) -> None:
    make.media()
    with CaptureQueriesContext(connection) as captured:
        admin_client.get(reverse(LIST))
    counts = [query["sql"] for query in captured if "COUNT(" in query["sql"]]
    assert counts
    assert all(f"LIMIT {readonly.CAP + 1}" in sql for sql in counts)


# Refused webhooks have one row per hour and reason, so their table stays small.
LISTS = [
    "mediapipe_mediaitem",
    "mediapipe_webhookevent",
    "mediapipe_incident",
    "django_celery_results_taskresult",
]


@pytest.mark.parametrize("name", LISTS)
def test_no_list_scans_its_table_to_find_filter_choices(admin_client: Client, name: str) -> None:
    sent = queries(admin_client, f"admin:{name}_changelist")
    about = [sql for sql in sent if f'"{name}"' in sql and "RECURSIVE" not in sql]
    assert about
    assert [sql for sql in about if "DISTINCT" in sql or "MIN(" in sql] == []
    # Items that wait because of an incident are counted by an index, for open incidents only.
    about = [sql for sql in about if 'AS "waiting"' not in sql]
    assert [sql for sql in about if "COUNT(" in sql and "LIMIT" not in sql] == []


@pytest.mark.parametrize("page", ["admin:index", "admin:timing", "admin:failures"])
def test_a_page_costs_no_more_queries_with_more_media(admin_client: Client, page: str) -> None:
    make.event(make.message(2))
    before = len(queries(admin_client, page))
    for _ in range(5):
        make.event(make.message(5))
    assert len(queries(admin_client, page)) == before


@pytest.mark.parametrize(("page", "most"), [("admin:index", 15), ("admin:timing", 9)])
def test_a_page_stays_within_its_query_limit(admin_client: Client, page: str, most: int) -> None:
    make.event(make.message(2))
    assert len(queries(admin_client, page)) <= most


@pytest.mark.parametrize("page", ["admin:index", "admin:timing"])
def test_every_count_of_a_page_is_bounded_by_a_period_or_a_limit(
    admin_client: Client, page: str
) -> None:
    make.media()
    counts = [
        sql
        for sql in queries(admin_client, page)
        if "COUNT(" in sql and ("mediaitem" in sql or "webhookevent" in sql)
    ]
    assert counts
    assert all('"received_at" >= ' in sql or "LIMIT" in sql for sql in counts)


def queries(client: Client, name: str) -> list[str]:
    """Return every statement that a page sends."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(reverse(name)).status_code == 200
    return [query["sql"] for query in captured]
