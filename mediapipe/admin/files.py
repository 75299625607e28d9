"""Stored media as the admin gives it out: to those who may see it, and never as active content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.html import format_html

from mediapipe.models import MediaItem, Status
from mediapipe.storage import opened

# What browsers draw or play and what cannot run script; all else is only downloaded.
PICTURES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
SOUNDS = frozenset({"audio/mpeg", "audio/ogg", "audio/mp4", "audio/wav", "audio/aac"})
FILMS = frozenset({"video/mp4", "video/quicktime", "video/webm", "video/ogg"})
SHOWN = PICTURES | SOUNDS | FILMS
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # A page that a browser should make of it after all can run and load nothing.
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
BLOCK_BYTES = 65536
RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})")


def file_answer(request: HttpRequest, media: MediaItem) -> HttpResponse | StreamingHttpResponse:
    """Return the stored file, or the one range of it that a player asks for."""
    if media.status != Status.STORED or not media.size:
        return HttpResponse("There is no file: the media item is not stored.", status=404)
    wanted = RANGE.fullmatch(request.headers.get("Range", ""))
    if not wanted:
        answer = FileResponse(opened(media.storage_name), content_type=_content_type(media))
        return _guarded(answer, media)
    first = int(wanted[1])
    last = min(int(wanted[2] or media.size - 1), media.size - 1)
    if first > last:
        headers = {"Content-Range": f"bytes */{media.size}"}
        return HttpResponse(status=416, headers=headers)
    return _guarded(_part(media, first, last), media)


def _part(media: MediaItem, first: int, last: int) -> StreamingHttpResponse:
    length = last - first + 1
    file = opened(media.storage_name)
    file.seek(first)
    answer = StreamingHttpResponse(_blocks(file, length), status=206)
    answer["Content-Type"] = _content_type(media)
    answer["Content-Length"] = str(length)
    answer["Content-Range"] = f"bytes {first}-{last}/{media.size}"
    return answer


def _blocks(file: IO[bytes], remaining: int) -> Iterator[bytes]:
    with file:
        while remaining and (block := file.read(min(BLOCK_BYTES, remaining))):
            remaining -= len(block)
            yield block


def _content_type(media: MediaItem) -> str:
    return media.content_type if media.content_type in SHOWN else "application/octet-stream"


def _guarded(answer: StreamingHttpResponse, media: MediaItem) -> StreamingHttpResponse:
    name = media.storage_name.rpartition("/")[2]
    # Tags draw and play an attachment all the same; only a visit to its address downloads it.
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Accept-Ranges"] = "bytes"
    for header, value in HEADERS.items():
        answer[header] = value
    return answer


def preview(media: MediaItem) -> str:
    """Return the media as a page shows it: drawn, played, or a link to download it."""
    if media.status != Status.STORED:
        return "-"
    url = reverse("admin:mediapipe_mediaitem_file", args=[media.pk])
    link = format_html('<a href="{}">Download</a>', url)
    if media.content_type in PICTURES:
        return format_html('<img src="{}" alt="the picture" width="320"><br>{}', url, link)
    if media.content_type in SOUNDS:
        return format_html('<audio controls preload="metadata" src="{}"></audio><br>{}', url, link)
    if media.content_type in FILMS:
        return format_html(
            '<video controls preload="metadata" width="320" src="{}"></video><br>{}<br>{}',
            url,
            link,
            "A film that does not play here was retrieved all the same: not every browser "
            "decodes HEVC, in which iPhones record.",
        )
    return link
