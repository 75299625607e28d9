"""How the pictures of a film are coded, read from the index of a file of the MP4 family."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

# Where the sample description lies (ISO/IEC 14496-12); each box holds the next one.
PATH = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
# A film has some tens of boxes a level; more are there to keep us busy.
MAX_BOXES = 200
# Entries of the sample description: they tell how pictures are coded.
HEVC = frozenset({"hvc1", "hev1", "dvh1", "dvhe"})
PICTURES = HEVC | {"avc1", "avc3", "av01", "vp08", "vp09", "mp4v", "s263", "jpeg", "apcn", "apch"}


def codec(file: IO[bytes]) -> str:
    """Return the four letters by which the file names the coding of its pictures, or "".

    Reads only the heads of boxes, wherever in the file they are, and never a picture.
    """
    end = file.seek(0, 2)
    named = (name for start, stop in _inside(file, 0, end, PATH) for name in _entry(file, start))
    return next((name for name in named if name in PICTURES), "")


def _inside(
    file: IO[bytes], start: int, end: int, path: tuple[bytes, ...]
) -> Iterator[tuple[int, int]]:
    """Yield begin and end of the content of each box that this path leads to."""
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
    # Four bytes of version, four of count, then the first entry, a box as well.
    file.seek(start + 12)
    yield file.read(4).decode("ascii", "replace")
