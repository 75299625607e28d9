"""Serves stored media, whole or as one range, and never as active content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone

from mediapipe.failures import StorageFailed
from mediapipe.fetching.storage import open_stored
from mediapipe.models import MediaItem, Status
from mediapipe.operations.audit_log import log_opened

# Types that browsers display or play and that cannot run scripts; all others are downloads.
IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
AUDIO = frozenset({"audio/mpeg", "audio/ogg", "audio/mp4", "audio/wav", "audio/aac"})
VIDEOS = frozenset({"video/mp4", "video/quicktime", "video/webm", "video/ogg"})
INLINE_TYPES = IMAGES | AUDIO | VIDEOS
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # If a browser renders it as a page after all, that page can neither run nor load anything.
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
BLOCK_BYTES = 65536
RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})")


def file_response(
    request: HttpRequest, media: MediaItem, *, reader: str
) -> HttpResponse | StreamingHttpResponse:
    """Return the stored file, or the single range that the request asks for.

    The response is 404 if there is no file, 410 if it was deleted, 416 for a range beyond its end,
    and 503 if the storage fails. `reader` is who opens the file, for the audit log.
    """
    if media.status != Status.STORED or not media.size:
        return HttpResponse("There is no file: the media item is not stored.", status=404)
    if media.purged_at:
        return HttpResponse(deletion_notice(media), status=410)
    try:
        response = _file(request, media, media.size)
    except FileNotFoundError:
        return HttpResponse(f"{media.storage_name} is no longer in the storage.", status=404)
    except StorageFailed as failure:
        return HttpResponse(f"The storage cannot read the file: {failure.detail}.", status=503)
    log_opened(media, reader)
    return response


def why_deleted(media: MediaItem) -> str:
    """Return why the file was deleted: erasure also removes its digest, retention does not."""
    return "by retention" if media.sha256 else "on request"


def deletion_notice(media: MediaItem) -> str:
    at = timezone.localtime(media.purged_at)
    return f"Deleted {why_deleted(media)}, {at:%Y-%m-%d %H:%M:%S %Z}; its metadata is kept."


def _file(
    request: HttpRequest, media: MediaItem, size: int
) -> HttpResponse | StreamingHttpResponse:
    response: StreamingHttpResponse
    requested = RANGE.fullmatch(request.headers.get("Range", ""))
    if requested:
        first = int(requested[1])
        last = min(int(requested[2] or size - 1), size - 1)
        if first > last:
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
        length = last - first + 1
        file = open_stored(media.storage_name, first)
        response = FileResponse(file, status=206)
        response.streaming_content = _blocks(file, length)
        # The web server then reads the file itself, up to the Content-Length, at the pace of the
        # client. It needs a seekable file, unlike S3's: otherwise it copies the blocks first.
        response.file_to_stream = file if file.seekable() else None  # type: ignore[assignment]
        response["Content-Length"] = str(length)
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    else:
        response = FileResponse(open_stored(media.storage_name))
        # Django only knows the length of files on a local disk.
        response.setdefault("Content-Length", str(size))
    inline = media.content_type in INLINE_TYPES
    response["Content-Type"] = media.content_type if inline else "application/octet-stream"
    name = media.storage_name.rpartition("/")[2]
    # <img>, <audio> and <video> display an attachment too; only opening its URL downloads it.
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Accept-Ranges"] = "bytes"
    for header, value in HEADERS.items():
        response[header] = value
    return response


def _blocks(file: IO[bytes], remaining: int) -> Iterator[bytes]:
    with file:
        while remaining and (block := file.read(min(BLOCK_BYTES, remaining))):
            remaining -= len(block)
            yield block
