import hashlib
import subprocess
import sys
import zlib

import pytest

from mediapipe.simulator.bodies import BLOCK_BYTES, blocks, body_of, sha256_of

SID = "ME" + "a" * 32


@pytest.mark.parametrize(
    ("content_type", "start"),
    [
        ("image/jpeg", b"\xff\xd8\xff\xe0\x00\x10JFIF"),
        ("image/png", b"\x89PNG\r\n\x1a\n"),
        ("image/gif", b"GIF89a"),
        ("audio/x-wav", b"RIFF"),
        ("audio/mpeg", b"ID3"),
        ("audio/ogg", b"OggS"),
        ("audio/amr", b"#!AMR\n"),
        ("video/mp4", b"\0\0\0\x14ftypisom"),
        ("application/pdf", b"%PDF-1.4"),
        ("text/vcard", b"BEGIN:VCARD\r\n"),
    ],
)
def test_a_body_starts_with_the_signature_of_its_type(content_type: str, start: bytes) -> None:
    assert body_of(SID, content_type, 5000).startswith(start)


@pytest.mark.parametrize("size", [0, 1, 10, 700, 20_000, BLOCK_BYTES + 1, 1_000_000])
@pytest.mark.parametrize("content_type", ["image/png", "text/vcard", "application/x-unknown"])
def test_a_body_has_exactly_the_requested_size(content_type: str, size: int) -> None:
    assert len(body_of(SID, content_type, size)) == size


def test_another_process_computes_the_same_bytes() -> None:
    program = (
        f"from mediapipe.simulator import bodies; print(bodies.sha256_of({SID!r}, 'x/y', 99_999))"
    )
    output = subprocess.check_output([sys.executable, "-c", program])
    assert output.decode().strip() == sha256_of(SID, "x/y", 99_999)


def test_different_sids_have_different_bytes() -> None:
    other = "ME" + "b" * 32
    assert sha256_of(SID, "audio/amr", 1000) != sha256_of(other, "audio/amr", 1000)


def test_the_computed_digest_matches_the_body() -> None:
    body = body_of(SID, "audio/ogg", 200_000)
    assert sha256_of(SID, "audio/ogg", 200_000) == hashlib.sha256(body).hexdigest()


def test_a_large_body_is_generated_in_small_blocks() -> None:
    sizes = [len(block) for block in blocks(SID, "video/mp4", 50_000_000)]
    assert max(sizes) <= BLOCK_BYTES
    assert sum(sizes) == 50_000_000


def test_a_contact_card_is_ascii_text_with_a_valid_end() -> None:
    card = body_of(SID, "text/vcard", 5000).decode("ascii")
    assert card.endswith("\r\nEND:VCARD\r\n")


def test_a_picture_can_be_decoded() -> None:
    body = body_of(SID, "image/png", 5000)
    position = body.index(b"IDAT")
    pixels = zlib.decompressobj().decompress(body[position + 4 :])
    assert len(pixels) == 64 * (1 + 64 * 3)
