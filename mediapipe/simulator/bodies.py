"""The bytes of a media item, computed from its SID, so any process can verify them."""

import hashlib
import random
import struct
import zlib
from collections.abc import Callable, Iterator

BLOCK_BYTES = 65536


def body_of(sid: str, content_type: str, size: int) -> bytes:
    """Return the whole body; `blocks` and `sha256_of` hold only one block in memory."""
    return b"".join(blocks(sid, content_type, size))


def sha256_of(sid: str, content_type: str, size: int) -> str:
    """Return the hex digest of the body."""
    digest = hashlib.sha256()
    for block in blocks(sid, content_type, size):
        digest.update(block)
    return digest.hexdigest()


def blocks(sid: str, content_type: str, size: int) -> Iterator[bytes]:
    """Yield exactly `size` bytes: a valid file header, filler seeded by the SID, a trailer.

    PNG, JPEG and GIF headers are complete small images: decoders ignore what follows, so a
    browser shows them. A smaller `size` truncates the header.
    """
    make_head = _HEADS.get(content_type)
    head = make_head(sid, size)[:size] if make_head else b""
    tail = _TAILS.get(content_type, b"")
    if len(head) + len(tail) > size:
        tail = b""
    yield head
    yield from _filler(sid, size - len(head) - len(tail), text=content_type.startswith("text/"))
    yield tail


def _filler(sid: str, size: int, *, text: bool) -> Iterator[bytes]:
    rng = random.Random(sid)
    while size > 0:
        length = min(size, BLOCK_BYTES)
        block = rng.randbytes(length)
        yield block.hex()[:length].encode() if text else block
        size -= length


def _color(sid: str) -> bytes:
    return hashlib.sha256(sid.encode()).digest()[:3]


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(sid: str, size: int) -> bytes:
    side = 64
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = (b"\0" + _color(sid) * side) * side
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(kind, data) for kind, data in chunks)


def _jpeg(sid: str, size: int) -> bytes:
    # A grey baseline image of 64 x 64 pixels. Both Huffman tables have one code, a single 0 bit
    # ("no difference", "end of block"), so each of the 64 blocks takes two 0 bits: 16 zero bytes.
    one_code = b"\x01" + bytes(15) + b"\0"
    return b"".join(
        [
            b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0",
            b"\xff\xdb\x00\x43\0" + b"\x01" * 64,
            b"\xff\xc0\x00\x0b\x08\0\x40\0\x40\x01\x01\x11\0",
            b"\xff\xc4\x00\x14\x00" + one_code,
            b"\xff\xc4\x00\x14\x10" + one_code,
            b"\xff\xda\x00\x08\x01\x01\0\0\x3f\0" + bytes(16),
            b"\xff\xd9",
        ]
    )


def _gif(sid: str, size: int) -> bytes:
    screen = b"GIF89a\x01\0\x01\0\x80\0\0" + _color(sid) + b"\xff\xff\xff"
    return screen + b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b"


def _webp(sid: str, size: int) -> bytes:
    return b"RIFF" + struct.pack("<I", max(size - 8, 0)) + b"WEBPVP8 "


def _wav(sid: str, size: int) -> bytes:
    # Twilio's recordings are 16 bit, 8 kHz, mono: 128 kbit/s.
    sound = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    data = b"data" + struct.pack("<I", max(size - 44, 0))
    return b"RIFF" + struct.pack("<I", max(size - 8, 0)) + b"WAVE" + sound + data


def _mp3(sid: str, size: int) -> bytes:
    return b"ID3\x03\0\0\0\0\0\0" + b"\xff\xfb\x90\x64"


def _ogg(sid: str, size: int) -> bytes:
    opus = b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0"
    page = struct.pack("<4sBBqIII", b"OggS", 0, 2, 0, 1, 0, 0)
    return page + bytes([1, len(opus)]) + opus


def _amr(sid: str, size: int) -> bytes:
    return b"#!AMR\n"


def _iso_media(brand: bytes) -> Callable[[str, int], bytes]:
    def head(sid: str, size: int) -> bytes:
        ftyp = struct.pack(">I4s4sI4s", 20, b"ftyp", brand, 512, brand)
        return ftyp + struct.pack(">I4s", max(size - len(ftyp), 8), b"mdat")

    return head


def _pdf(sid: str, size: int) -> bytes:
    return b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"


def _vcard(sid: str, size: int) -> bytes:
    return b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Some Name\r\nNOTE:"


_HEADS: dict[str, Callable[[str, int], bytes]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/webp": _webp,
    "image/heic": _iso_media(b"heic"),
    "audio/x-wav": _wav,
    "audio/wav": _wav,
    "audio/mpeg": _mp3,
    "audio/ogg": _ogg,
    "audio/amr": _amr,
    "audio/mp4": _iso_media(b"M4A "),
    "video/mp4": _iso_media(b"isom"),
    "video/3gpp": _iso_media(b"3gp4"),
    "video/quicktime": _iso_media(b"qt  "),
    "application/pdf": _pdf,
    "text/vcard": _vcard,
    "text/x-vcard": _vcard,
}

_TAILS = {
    "application/pdf": b"\n%%EOF\n",
    "text/vcard": b"\r\nEND:VCARD\r\n",
    "text/x-vcard": b"\r\nEND:VCARD\r\n",
}
