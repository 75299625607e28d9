from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator

from django.contrib import admin
from django.db.models import Model
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.utils import timezone

from mediapipe.admin.pages import filtered_rows_with_label
from mediapipe.admin.text import counted
from mediapipe.lifecycle.export import KEYS, csv_line, media_line
from mediapipe.models import MediaItem
from mediapipe.models.chunks import in_chunks
from mediapipe.operations.audit_log import log_action


def export_list(
    model_admin: admin.ModelAdmin[Model], request: HttpRequest, form: str
) -> StreamingHttpResponse:
    """Return the filtered list as a download, and log who exported how many items.

    `form` is "csv" or "jsonl"; raise Http404 for any other.
    """
    if form not in FORMS:
        raise Http404
    content_type, lines_of = FORMS[form]
    rows, label = filtered_rows_with_label(model_admin, request)
    count = counted(rows.order_by().count(), "media item")
    log_action(request.user, label, f"Exported {count} as {form}: {label}.")
    name = f"media-{timezone.now():%Y%m%dT%H%M%SZ}.{form}"
    # The newest first, as in the list.
    items = in_chunks(rows.select_related("event").defer("event__parameters"))
    streamed = StreamingHttpResponse(lines_of(items), content_type=content_type)
    streamed["Content-Disposition"] = f'attachment; filename="{name}"'
    streamed["Cache-Control"] = "private, no-store"
    return streamed


class _Echo:
    """A file whose write() returns the line, which csv passes through."""

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
