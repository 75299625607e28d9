"""The codec of a video is read from its index, wherever that is; a hostile file costs no time."""

from __future__ import annotations

import io
import struct
import time

import pytest

from mediapipe.fetching.video_codec import find_codec
from mediapipe.simulator.bodies import body_of

PATH = ("stbl", "minf", "mdia", "trak")


def box(kind: str, content: bytes = b"") -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind.encode() + content


def track(name: str) -> bytes:
    """Return a track whose sample description names this codec."""
    inner = box("stsd", struct.pack(">II", 0, 1) + box(name, bytes(70)))
    for kind in PATH:
        inner = box(kind, inner)
    return inner


def mp4_file(*names: str, before: bytes = b"", after: bytes = b"") -> io.BytesIO:
    index = box("moov", box("mvhd", bytes(100)) + b"".join(map(track, names)))
    return io.BytesIO(box("ftyp", b"isom0000") + before + index + after)


@pytest.mark.parametrize("name", ["hvc1", "hev1", "avc1", "dvh1"])
def test_the_video_codec_is_found(name: str) -> None:
    assert find_codec(mp4_file(name)) == name


def test_the_audio_codec_is_skipped() -> None:
    assert find_codec(mp4_file("mp4a", "hvc1")) == "hvc1"
    assert find_codec(mp4_file("mp4a")) == ""


def test_the_codec_is_found_if_the_index_follows_the_pictures() -> None:
    assert find_codec(mp4_file("hvc1", before=box("mdat", bytes(100_000)))) == "hvc1"


def test_a_box_with_a_64_bit_size_is_skipped() -> None:
    large = struct.pack(">I", 1) + b"mdat" + struct.pack(">Q", 16 + 1000) + bytes(1000)
    assert find_codec(mp4_file("hvc1", before=large)) == "hvc1"


def test_the_last_box_may_extend_to_the_end_of_the_file_without_a_size() -> None:
    assert find_codec(mp4_file("hvc1", after=struct.pack(">I", 0) + b"mdat" + bytes(50))) == "hvc1"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0\0\0\x08moov",
        b"\0\0\0\x01moov\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\0\0\0\x00moov" * 3,
        b"\0\0\0\x04moov" * 100,
        b"<html>",
        mp4_file("hvc1").getvalue()[:-80],
        body_of("MEx", "video/mp4", 5000),
    ],
    ids=[
        "empty",
        "no content",
        "beyond the end",
        "to the end",
        "too small",
        "no video",
        "cut",
        "?",
    ],
)
def test_a_file_without_a_readable_codec_does_not_raise_an_error(body: bytes) -> None:
    assert find_codec(io.BytesIO(body)) in ("", "avc1")


def test_a_file_with_a_million_boxes_is_given_up_quickly() -> None:
    started = time.thread_time()
    assert find_codec(io.BytesIO(box("free") * 1_000_000)) == ""
    assert time.thread_time() - started < 0.5
