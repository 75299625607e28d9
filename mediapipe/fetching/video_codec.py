"""The video codec of a file of the MP4 family, read from its index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

# The path to the sample description (ISO/IEC 14496-12); each box contains the next one.
PATH = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
# A video has dozens of boxes per level; a crafted file could have millions.
MAX_BOXES = 200
# The codes of video in a sample description; others are audio or subtitles.
HEVC = frozenset({"hvc1", "hev1", "dvh1", "dvhe"})
VIDEO = HEVC | {"avc1", "avc3", "av01", "vp08", "vp09", "mp4v", "s263", "jpeg", "apcn", "apch"}


def find_codec(file: IO[bytes]) -> str:
    """Return the four-character code of the video codec, or "" if no known one is found.

    Reads only box headers, wherever they are in the file, and no video data.
    """
    end = file.seek(0, 2)
    named = (name for start, stop in _inside(file, 0, end, PATH) for name in _entry(file, start))
    return next((name for name in named if name in VIDEO), "")


def _inside(
    file: IO[bytes], start: int, end: int, path: tuple[bytes, ...]
) -> Iterator[tuple[int, int]]:
    """Yield the start and end of the content of each box at this path."""
    if not path:
        yield start, end
        return
    for kind, first, last in _boxes(file, start, end):
        if kind == path[0]:
            yield from _inside(file, first, last, path[1:])


def _boxes(file: IO[bytes], start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    for _ in range(MAX_BOXES):
        file.seek(start)
        head = file.read(16)
        size, kind, first = int.from_bytes(head[:4]), head[4:8], start + 8
        if size == 1:
            size, first = int.from_bytes(head[8:16]), start + 16
        last = start + size if size else end
        if len(head) < 8 or last > end or last < first:
            return
        yield kind, first, last
        start = last


def _entry(file: IO[bytes], start: int) -> Iterator[str]:
    # Four bytes of version and four of count, then the first entry, which is a box as well.
    file.seek(start + 12)
    yield file.read(4).decode("ascii", "replace")
