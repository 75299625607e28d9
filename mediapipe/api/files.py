"""Stored media as it is given out: in part or as a whole, and never as active content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone

from mediapipe.failures import StorageFailed
from mediapipe.fetching.storage import opened
from mediapipe.models import MediaItem, Status

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
    if media.purged_at:
        return HttpResponse(deleted(media), status=410)
    try:
        return _file(request, media, media.size)
    except FileNotFoundError:
        return HttpResponse(f"{media.storage_name} is not in the storage any more.", status=404)
    except StorageFailed as failure:
        sentence = f"The storage does not give the file out: {failure.detail}."
        return HttpResponse(sentence, status=503)


def why_deleted(media: MediaItem) -> str:
    """Return what deleted the file; only who was forgotten takes the digest along."""
    return "by retention" if media.sha256 else "on request"


def deleted(media: MediaItem) -> str:
    """Return the sentence that stands where the file would be."""
    at = timezone.localtime(media.purged_at)
    return f"Deleted {why_deleted(media)}, {at:%Y-%m-%d %H:%M:%S %Z}; its facts are kept."


def _file(
    request: HttpRequest, media: MediaItem, size: int
) -> HttpResponse | StreamingHttpResponse:
    wanted = RANGE.fullmatch(request.headers.get("Range", ""))
    if not wanted:
        answer = FileResponse(opened(media.storage_name), content_type=_content_type(media))
        # By itself Django tells the length of a file on a disk alone.
        answer.setdefault("Content-Length", str(size))
        return _guarded(answer, media)
    first = int(wanted[1])
    last = min(int(wanted[2] or size - 1), size - 1)
    if first > last:
        headers = {"Content-Range": f"bytes */{size}"}
        return HttpResponse(status=416, headers=headers)
    return _guarded(_part(media, first, last), media)


def _part(media: MediaItem, first: int, last: int) -> StreamingHttpResponse:
    length = last - first + 1
    file = opened(media.storage_name, first)
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
