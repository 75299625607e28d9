"""What a list shows is exported as CSV or JSON Lines, row by row, and audited."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse

from mediapipe.failures import TooLarge
from mediapipe.lifecycle.export import KEYS
from mediapipe.models import MediaItem
from mediapipe.operations import roles
from mediapipe.providers.base import Evidence
from tests.support import make
from tests.support.admin import SCRIPT, client_with_role

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def export(client: Client, form: str, **query: str) -> Any:
    return client.get(reverse("admin:mediapipe_mediaitem_export", args=[form]), query)


def lines(client: Client, **query: str) -> list[dict[str, Any]]:
    body = b"".join(export(client, "jsonl", **query).streaming_content)
    return [json.loads(line) for line in body.splitlines()]


def rows(client: Client, **query: str) -> list[dict[str, str]]:
    body = b"".join(export(client, "csv", **query).streaming_content)
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def test_csv_and_json_lines_have_the_keys_of_every_other_export(admin_client: Client) -> None:
    item = make.media()
    (line,), (row,) = lines(admin_client), rows(admin_client)
    assert list(line) == list(row) == list(KEYS)
    assert line["media_url"] == row["media_url"] == item.media_url


def test_only_items_that_match_the_filters_are_exported(admin_client: Client) -> None:
    make.media()
    failed = make.claimed()
    failed.mark_failed(TooLarge(), Evidence())
    assert [line["error"] for line in lines(admin_client, status__exact="failed")] == ["too_large"]
    assert len(rows(admin_client, q=failed.media_sid)) == 1


def test_a_long_list_is_exported_beyond_its_first_page(admin_client: Client) -> None:
    for _ in range(2):
        make.event(make.message(40))
    assert len(rows(admin_client)) == 80


def test_an_export_is_streamed_as_a_download(admin_client: Client) -> None:
    make.media()
    answer = export(admin_client, "csv")
    assert isinstance(answer, StreamingHttpResponse)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="media-')


def test_an_export_is_audited_with_its_user_count_and_filters(
    admin_client: Client, admin_user: User
) -> None:
    make.event(make.message(3))
    lines(admin_client, status__exact="queued", q="+15550000002")
    entry = LogEntry.objects.get(user=admin_user)
    expected = "Exported 3 media items as jsonl: state queued, search +•••••••••02."
    assert entry.change_message == expected


def test_the_csv_file_contains_no_formula_and_no_phone_number(admin_client: Client) -> None:
    make.media(make.message(sender="+15550000077"))
    MediaItem.objects.update(declared_content_type="\u3000=1+1")
    (row,) = rows(admin_client)
    assert row["declared_content_type"] == "'\u3000=1+1"
    assert "5550000077" not in str(row)


def test_hostile_text_is_exported_unchanged_and_sniffing_is_disabled(admin_client: Client) -> None:
    make.media()
    MediaItem.objects.update(declared_content_type=SCRIPT)
    assert export(admin_client, "jsonl")["X-Content-Type-Options"] == "nosniff"
    assert lines(admin_client)[0]["declared_content_type"] == SCRIPT


def test_a_viewer_cannot_export() -> None:
    assert export(client_with_role(roles.VIEWER), "csv").status_code == 403
    assert not LogEntry.objects.exists()


def test_an_unknown_export_format_is_not_found(admin_client: Client) -> None:
    assert export(admin_client, "xlsx").status_code == 404


def test_an_export_with_unknown_filters_is_refused(admin_client: Client) -> None:
    assert export(admin_client, "csv", nonsense="1").status_code == 400
