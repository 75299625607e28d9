"""A small valid file of each content type of the history, made without an encoder.

A browser can show or play each of them, except for videos.
"""

from __future__ import annotations

import math
import struct
from functools import cache
from itertools import accumulate

from mediapipe.simulator.bodies import body_of

VIDEO_BYTES = 20_000
IMAGE_BYTES = 1500
# For both sounds. The WAV is 16-bit, 8 kHz, mono, like Twilio's recordings.
SOUND_S = 1.0
WAV_RATE = 8000
TONE_HZ = 440
# RFC 7845: Opus always counts 48,000 samples per second; a packet here lasts 20 ms.
OPUS_RATE = 48_000
OPUS_SILENCE = b"\xf8\xff\xfe"
OGG_FIRST, OGG_MIDDLE, OGG_LAST = 2, 0, 4
# RFC 3533: not bit-reflected, so zlib.crc32 would compute a different checksum.
OGG_POLYNOMIAL = 0x04C11DB7


@cache
def sample(content_type: str) -> bytes:
    """Return the bytes of the file; the simulator makes images, videos and unknown types."""
    make = {
        "application/pdf": _pdf,
        "audio/ogg": _ogg,
        "audio/wav": _wav,
        "text/vcard": _vcard,
    }.get(content_type)
    if make:
        return make()
    size = IMAGE_BYTES if content_type.startswith("image/") else VIDEO_BYTES
    return body_of("a sample", content_type, size)


def _wav() -> bytes:
    numbers = range(int(WAV_RATE * SOUND_S))
    wave = (int(8000 * math.sin(2 * math.pi * TONE_HZ * n / WAV_RATE)) for n in numbers)
    data = struct.pack(f"<{len(numbers)}h", *wave)
    sound = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, WAV_RATE, 2 * WAV_RATE, 2, 16)
    body = b"WAVE" + sound + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _ogg() -> bytes:
    """Return a second of silence, as Opus."""
    head = struct.pack("<8sBBHIHB", b"OpusHead", 1, 1, 0, OPUS_RATE, 0, 0)
    tags = struct.pack("<8sI4sI", b"OpusTags", 4, b"none", 0)
    packets = [OPUS_SILENCE] * int(SOUND_S * 50)
    pages = [_ogg_page(0, OGG_FIRST, 0, [head]), _ogg_page(1, OGG_MIDDLE, 0, [tags])]
    return b"".join([*pages, _ogg_page(2, OGG_LAST, int(SOUND_S * OPUS_RATE), packets)])


def _ogg_page(number: int, kind: int, position: int, packets: list[bytes]) -> bytes:
    lengths = bytes([len(packets), *(len(packet) for packet in packets)])
    start = struct.pack("<4sBBqII", b"OggS", 0, kind, position, 1, number)
    rest = lengths + b"".join(packets)
    checksum = _ogg_crc(start + bytes(4) + rest)
    return start + struct.pack("<I", checksum) + rest


def _ogg_crc(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (OGG_POLYNOMIAL if crc & 0x80000000 else 0)
            crc &= 0xFFFFFFFF
    return crc


def _pdf() -> bytes:
    text = b"BT /F1 24 Tf 40 90 Td (Invoice 4711) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    parts = [b"%d 0 obj\n%b\nendobj\n" % (n, body) for n, body in enumerate(objects, start=1)]
    head = b"%PDF-1.4\n"
    *offsets, table_at = accumulate((len(part) for part in parts), initial=len(head))
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(parts) + 1
    start = b"xref\n0 %d\n0000000000 65535 f \n" % size
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, table_at)
    return b"".join([head, *parts, start, table, trailer])


def _vcard() -> bytes:
    lines = ("BEGIN:VCARD", "VERSION:3.0", "FN:Alex Example", "TEL:+12025550123", "END:VCARD", "")
    return "\r\n".join(lines).encode()
