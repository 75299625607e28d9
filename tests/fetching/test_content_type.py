import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediapipe.failures import ErrorDocument
from mediapipe.fetching.content_type import EXTENSIONS, check, extension, sniff

OFFICE = "application/vnd.openxmlformats-officedocument."


def box(kind: bytes, *content: bytes) -> bytes:
    """Return one box of the MP4 family: length, four letters, content."""
    inside = b"".join(content)
    return (8 + len(inside)).to_bytes(4) + kind + inside


def ftyp(brand: bytes, *compatible: bytes) -> bytes:
    return box(b"ftyp", brand, b"\0\0\2\0", *compatible)


def track(kind: bytes) -> bytes:
    return box(b"trak", box(b"mdia", box(b"hdlr", b"\0" * 8, kind, b"\0" * 12)))


def zipped(*names: bytes) -> bytes:
    """Return the local headers of a ZIP file with these members."""
    fixed = b"PK\x03\x04\x14\0\0\0\x08\0" + b"\0" * 16
    return b"".join(fixed + len(name).to_bytes(2, "little") + b"\0\0" + name for name in names)


OGG = b"OggS\0\2" + b"\0" * 8 + b"\1\2\3\4" + b"\0" * 8 + b"\1\x13"
SAMPLES = [
    ("image/jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1" + b"\0" * 20),
    ("image/jpeg", b"\xff\xd8\xff\xe1\0\x18Exif\0\0II*\0" + b"\0" * 20),
    ("image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 20),
    ("image/gif", b"GIF89a\1\0\1\0\0\0\0;"),
    ("image/webp", b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 20),
    ("image/heic", ftyp(b"heic", b"mif1", b"heic")),
    ("image/heic", ftyp(b"mif1", b"mif1", b"heic")),
    ("image/avif", ftyp(b"avif", b"mif1")),
    ("image/tiff", b"II*\0\x08\0\0\0" + b"\0" * 20),
    ("image/tiff", b"MM\0*\0\0\0\x08" + b"\0" * 20),
    ("image/bmp", b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0" + b"\0" * 20),
    ("audio/ogg", OGG + b"OpusHead\1\1"),
    ("audio/ogg", OGG + b"\1vorbis"),
    ("video/ogg", OGG + b"\x80theora"),
    ("audio/amr", b"#!AMR\n\x3c" + b"\x55" * 30),
    ("audio/mpeg", b"\xff\xfb\x90\x64" + b"\0" * 60),
    ("audio/mpeg", b"\xff\xf3\x40\xc4" + b"\0" * 60),
    ("audio/mpeg", b"ID3\x03\0\0\0\0\0\x0aTIT2" + b"\0" * 20),
    ("audio/aac", b"\xff\xf1\x50\x80\x02\x1f\xfc" + b"\0" * 30),
    ("audio/mp4", ftyp(b"M4A ", b"mp42")),
    ("audio/mp4", ftyp(b"mp42") + box(b"moov", track(b"soun"))),
    ("audio/wav", b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0" + b"\0" * 20),
    ("video/mp4", ftyp(b"isom", b"avc1")),
    ("video/mp4", ftyp(b"mp42") + box(b"moov", track(b"soun"), track(b"vide"))),
    ("video/mp4", ftyp(b"mp42") + box(b"moov", track(b"soun"), track(b"vide"))[:-40]),
    ("video/3gpp", ftyp(b"3gp5", b"isom")),
    ("audio/3gpp", ftyp(b"3gp4") + box(b"moov", track(b"soun"))),
    ("video/quicktime", ftyp(b"qt  ")),
    ("video/quicktime", box(b"wide") + b"\0\0\1\0mdat"),
    ("video/webm", bytes.fromhex("1a45dfa39f4286810142f7810142f2810442f381084282847765626d")),
    ("application/pdf", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj"),
    ("application/msword", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 100),
    ("application/zip", zipped(b"password/a.txt")),
    (f"{OFFICE}wordprocessingml.document", zipped(b"[Content_Types].xml", b"word/document.xml")),
    (f"{OFFICE}spreadsheetml.sheet", zipped(b"_rels/.rels", b"xl/workbook.xml")),
    (f"{OFFICE}presentationml.presentation", zipped(b"_rels/.rels", b"ppt/presentation.xml")),
    ("text/vcard", b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\nEND:VCARD\r\n"),
    ("text/calendar", b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"),
    ("text/rtf", rb"{\rtf1\ansi hello}"),
    ("text/plain", b"hello, world\n"),
    ("text/plain", "\ufeffgrüße, welt\n".encode()),
    ("text/plain", ("é" * 3000).encode()[:4095]),
    ("text/plain", b"name,phone\r\nA,1\r\n"),
    ("text/plain", b"BMW, II*, {braces} and <angles>"),
    ("text/html", b"<!DOCTYPE html>\n<html><head><title>x</title></head></html>"),
    ("text/html", b"\n <!-- sign in --><HTML lang=en><body>x"),
    ("text/html", "<html><body>übel".encode("latin-1")),
    ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'></svg>"),
    ("image/svg+xml", b"<?xml version='1.0'?>\n<!-- x --><svg onload='alert(1)'/>"),
    ("application/xml", b"<?xml version='1.0' encoding='UTF-8'?><a/>"),
    ("application/json", b'{"a": 1}'),
    ("image/gif", b"GIF89a/*<html>*/=1;<script>alert(1)</script>"),
    ("application/octet-stream", b"\x01\x02\x03\x80\x81\x99"),
    ("application/octet-stream", b"BM\xff\xfe\xfd\x01\x02\x03\x04\x05\x06"),
    ("application/octet-stream", b""),
]


@pytest.mark.parametrize(("content_type", "head"), SAMPLES)
def test_the_first_bytes_tell_the_type(content_type: str, head: bytes) -> None:
    assert sniff(head) == content_type


@given(st.binary(max_size=4096))
def test_no_bytes_are_too_strange_to_sniff_and_check(head: bytes) -> None:
    assert "/" in sniff(head)
    check(head, declared="text/plain")


@pytest.mark.parametrize("repeated", [b"<!---->", b"<?xml ?>", b"<!DOCTYPE x>", b"[", b"<", b" "])
def test_hostile_repetition_is_sniffed_at_once(repeated: bytes) -> None:
    # A pattern that tries every combination would not come back within a lifetime.
    head = (repeated * 4096)[:4090] + b"!"
    check(head, declared="image/jpeg")
    assert sniff(head) != "text/html"


def test_an_extension_goes_by_the_type_alone() -> None:
    assert extension("image/jpeg") == ".jpg"
    assert extension("Text/Plain; charset=utf-8") == ".txt"


@pytest.mark.parametrize("active", ["text/html", "image/svg+xml", "text/javascript", "../x", ""])
def test_active_or_unknown_content_gets_a_neutral_extension(active: str) -> None:
    assert extension(active) == ".bin"


def test_every_extension_is_one_dot_and_plain_letters() -> None:
    assert all(ending[0] == "." and ending[1:].isalnum() for ending in EXTENSIONS.values())


TWILIO_XML = (
    b"<?xml version='1.0' encoding='UTF-8'?><TwilioResponse><RestException><Code>20404</Code>"
    b"<Message>not found</Message><Status>404</Status></RestException></TwilioResponse>"
)
TWILIO_JSON = json.dumps(
    {"code": 20404, "message": "not found", "more_info": "https://www.twilio.com", "status": 404}
).encode()


@pytest.mark.parametrize("document", [TWILIO_XML, b"\n" + TWILIO_XML, TWILIO_JSON])
@pytest.mark.parametrize("declared", ["image/jpeg", "application/xml", "application/json", ""])
def test_an_error_document_of_twilio_is_never_media(document: bytes, declared: str) -> None:
    with pytest.raises(ErrorDocument):
        check(document, declared=declared)


@pytest.mark.parametrize("declared", ["image/jpeg", "application/pdf", "audio/x-wav", ""])
def test_a_web_page_is_not_the_media_that_was_declared(declared: str) -> None:
    with pytest.raises(ErrorDocument):
        check(b"<!DOCTYPE html><title>Sign in</title>", declared=declared)


@pytest.mark.parametrize(
    "declared", ["text/html; charset=utf-8", "text/plain", "application/xhtml+xml"]
)
def test_a_web_page_that_may_have_been_sent_is_media(declared: str) -> None:
    check(b"<!DOCTYPE html><title>My page</title>", declared=declared)


@pytest.mark.parametrize("head", [b'{"code": 1}', b"[1, 2]", b"<a/>", b"<TwilioResponse/>", b"x"])
def test_other_documents_are_media(head: bytes) -> None:
    check(head, declared="application/octet-stream")
