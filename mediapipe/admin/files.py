"""Stored media as the admin gives it out: to those who may see it, and never as active content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse

from mediapipe.admin.text import moment
from mediapipe.films import HEVC
from mediapipe.models import MediaItem, Status
from mediapipe.storage import is_kept, opened

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
LINKS = {"application/pdf": "Download the PDF", "text/vcard": "Download the contact"}
NOTES = {
    "image/heic": "Retrieved whole. Browsers other than Safari cannot draw HEIC; download it.",
    "audio/amr": "Retrieved whole. Browsers cannot play AMR; download it.",
    "video/3gpp": "Retrieved whole. Browsers cannot play 3GP; download it.",
    "audio/3gpp": "Retrieved whole. Browsers cannot play 3GP; download it.",
    "text/html": "Only for download, because a page could run script in your name.",
    "image/svg+xml": "Only for download, because an SVG could run script in your name.",
}
BLOCK_BYTES = 65536
RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})")


def file_answer(request: HttpRequest, media: MediaItem) -> HttpResponse | StreamingHttpResponse:
    """Return the stored file, or the one range of it that a player asks for."""
    if media.status != Status.STORED or not media.size:
        return HttpResponse("There is no file: the media item is not stored.", status=404)
    if media.purged_at:
        return HttpResponse(deleted_by_retention(media), status=410)
    try:
        return _file(request, media, media.size)
    except FileNotFoundError:
        return HttpResponse(f"{media.storage_name} is not in the storage any more.", status=404)


def _file(
    request: HttpRequest, media: MediaItem, size: int
) -> HttpResponse | StreamingHttpResponse:
    wanted = RANGE.fullmatch(request.headers.get("Range", ""))
    if not wanted:
        answer = FileResponse(opened(media.storage_name), content_type=_content_type(media))
        return _guarded(answer, media)
    first = int(wanted[1])
    last = min(int(wanted[2] or size - 1), size - 1)
    if first > last:
        headers = {"Content-Range": f"bytes */{size}"}
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


def deleted_by_retention(media: MediaItem) -> str:
    """Return the sentence that stands where the file would be."""
    return f"Deleted by retention, {moment(media.purged_at)}; its facts are kept."


@dataclass(frozen=True, slots=True)
class Preview:
    """How a page shows a stored file: drawn, played, or as a link; `note` says why not better.

    `url` is empty where the file should be there and is not.
    """

    url: str
    shown_as: str
    link: str
    note: str

    @classmethod
    def of(cls, media: MediaItem) -> Preview | None:
        """Return how to show this item, None if there is no file."""
        if media.status != Status.STORED or not media.size:
            return None
        if media.purged_at:
            return cls("", "", "", deleted_by_retention(media))
        if not is_kept(media.storage_name):
            return cls("", "", "", f"{media.storage_name} is not in the storage any more.")
        url = reverse("admin:mediapipe_mediaitem_file", args=[media.pk])
        tags = ((PICTURES, "picture"), (SOUNDS, "sound"), (FILMS, "film"))
        shown_as = next((tag for types, tag in tags if media.content_type in types), "")
        return cls(url, shown_as, LINKS.get(media.content_type, "Download the file"), _note(media))


def _note(media: MediaItem) -> str:
    if media.codec in HEVC:
        return (
            f"The film was retrieved whole. It is coded in HEVC ({media.codec}), as iPhones "
            "record: Safari plays it, Chrome and Firefox only on some machines. If it does not "
            "play here, that is the browser's limit; download it to watch it."
        )
    if media.content_type in FILMS and not media.codec:
        return (
            "A film that does not play here was retrieved all the same: not every browser "
            "decodes HEVC, in which iPhones record."
        )
    return NOTES.get(media.content_type, "")
