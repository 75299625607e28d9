"""The filtered list as a file: streamed, so that its length does not matter."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.utils import timezone

from mediapipe.admin.pages import filtered_rows_with_label
from mediapipe.admin.text import counted
from mediapipe.lifecycle.export import KEYS, csv_line, media_line
from mediapipe.models import MediaItem
from mediapipe.operations.audit_log import log_action

CHUNK_ROWS = 1000


def answer(
    model_admin: admin.ModelAdmin[Model], request: HttpRequest, form: str
) -> StreamingHttpResponse:
    """Return the rows of the list as CSV or JSON lines, and write down who took how many."""
    if form not in FORMS:
        raise Http404
    content_type, lines_of = FORMS[form]
    rows, words = filtered_rows_with_label(model_admin, request)
    count = counted(rows.order_by().count(), "media item")
    log_action(request.user, words, f"Exported {count} as {form}: {words}.")
    name = f"media-{timezone.now():%Y%m%dT%H%M%SZ}.{form}"
    streamed = StreamingHttpResponse(lines_of(_items(rows)), content_type=content_type)
    streamed["Content-Disposition"] = f'attachment; filename="{name}"'
    streamed["Cache-Control"] = "private, no-store"
    return streamed


def _items(rows: QuerySet[Any]) -> Iterator[MediaItem]:
    # The newest first, as in the list that it comes from.
    return rows.select_related("event").defer("event__parameters").iterator(CHUNK_ROWS)


class _Echo:
    """What csv writes to hands the line back."""

    def write(self, line: str) -> str:
        return line


def _csv(items: Iterable[MediaItem]) -> Iterator[str]:
    writer = csv.DictWriter(_Echo(), KEYS)
    yield writer.writeheader()
    yield from (writer.writerow(csv_line(item)) for item in items)


def _json_lines(items: Iterable[MediaItem]) -> Iterator[str]:
    return (f"{json.dumps(media_line(item))}\n" for item in items)


FORMS: dict[str, tuple[str, Callable[[Iterable[MediaItem]], Iterator[str]]]] = {
    "csv": ("text/csv; charset=utf-8", _csv),
    "jsonl": ("application/x-ndjson", _json_lines),
}
