import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediapipe.fetching.content_type import check, sniff
from mediapipe.fetching.media_types import (
    ALIASES,
    DOC,
    DOCX,
    EXTENSIONS,
    MSG,
    OFFICE,
    OLE2,
    PPT,
    UNKNOWN,
    XLS,
    XLSX,
    ZIP,
    canonical,
    extension,
    is_same,
)


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


def named(content_type: bytes) -> bytes:
    """Return the head of a ZIP file that names its own type, as OpenDocument and EPUB do."""
    return zipped(b"mimetype") + content_type + zipped(b"META-INF/manifest.xml")


def ole2(*, at_512: bytes = b"", stream: str = "") -> bytes:
    """Return the head of an OLE2 file with these bytes at 512, and this name in its directory."""
    head = bytes.fromhex("d0cf11e0a1b11ae1").ljust(512, b"\0") + at_512
    return head.ljust(1024, b"\0") + stream.encode("utf-16-le") + b"\0" * 100


ODF = "application/vnd.oasis.opendocument."
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
    ("image/avif", ftyp(b"mif1", b"miaf", b"avif")),
    ("image/jp2", b"\0\0\0\x0cjP  \r\n\x87\n" + ftyp(b"jp2 ")),
    ("image/x-canon-cr3", ftyp(b"crx ")),
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
    ("video/3gpp2", ftyp(b"3g2a")),
    ("audio/3gpp2", ftyp(b"3g2a") + box(b"moov", track(b"soun"))),
    ("video/mp4", ftyp(b"M4V ")),
    ("application/mp4", ftyp(b"abcd")),
    ("video/x-msvideo", b"RIFF\x24\0\0\0AVI LIST" + b"\0" * 20),
    ("video/quicktime", ftyp(b"qt  ")),
    ("video/quicktime", box(b"wide") + b"\0\0\1\0mdat"),
    ("video/webm", bytes.fromhex("1a45dfa39f4286810142f7810142f2810442f381084282847765626d")),
    ("application/pdf", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj"),
    (OLE2, ole2()),
    (OLE2, bytes.fromhex("d0cf11e0a1b11ae1")),
    (DOC, ole2(at_512=b"\xec\xa5\xc1\0")),
    (DOC, ole2(stream="WordDocument")),
    (XLS, ole2(at_512=bytes.fromhex("0908100000060500"))),
    (XLS, ole2(at_512=bytes.fromhex("0908080000050500"))),
    (XLS, ole2(stream="Workbook")),
    (PPT, ole2(at_512=bytes.fromhex("006e1ef0"))),
    (PPT, ole2(at_512=bytes.fromhex("0f00e803"))),
    (PPT, ole2(stream="PowerPoint Document")),
    (MSG, ole2(stream="__properties_version1.0")),
    (MSG, ole2(stream="__substg1.0_37010102")),
    ("application/zip", zipped(b"password/a.txt")),
    ("application/zip", b"PK\5\6" + b"\0" * 18),
    ("application/epub+zip", named(b"application/epub+zip")),
    (f"{ODF}text", named(f"{ODF}text".encode())),
    (f"{ODF}spreadsheet", named(f"{ODF}spreadsheet".encode())),
    (f"{ODF}text-template", named(f"{ODF}text-template".encode())),
    ("application/java-archive", zipped(b"META-INF/MANIFEST.MF")),
    ("application/java-archive", zipped(b"META-INF/", b"META-INF/MANIFEST.MF")),
    ("application/vnd.android.package-archive", zipped(b"AndroidManifest.xml", b"classes.dex")),
    ("application/gzip", bytes.fromhex("1f8b0800000000000003") + b"\0" * 20),
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
    ("text/html", b"<table border=1><tr><td>1"),
    ("text/html", "<html><body>1".encode("utf-16")),
    ("text/plain", "a\tb\r\n1\t2\r\n".encode("utf-16")),
    ("multipart/related", b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n"),
    (
        "application/xml",
        b'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?><Workbook/>',
    ),
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
def test_the_content_type_is_detected_from_the_first_bytes(content_type: str, head: bytes) -> None:
    assert sniff(head) == content_type


M4A, WORD_2007 = "audio/mp4", "application/vnd.ms-word.document.macroenabled.12"
DECLARED = [
    # (what the webhook declares, the head, the type that is stored)
    ("application/vnd.ms-excel", ole2(), XLS),
    ("application/msexcel", ole2(), XLS),
    ("Application/VND.MS-Excel; charset=binary", ole2(), XLS),
    ("application/msword", ole2(), DOC),
    ("application/vnd.ms-powerpoint", ole2(), PPT),
    ("application/vnd.ms-outlook", ole2(), MSG),
    ("application/x-msi", ole2(), "application/x-msi"),
    ("application/vnd.visio", ole2(), "application/vnd.visio"),
    (XLSX, ole2(stream="EncryptedPackage"), XLSX),
    ("application/msword", ole2(stream="Workbook"), XLS),
    ("application/vnd.ms-excel", ole2(at_512=b"\xec\xa5\xc1\0"), DOC),
    ("image/jpeg", ole2(), OLE2),
    ("", ole2(), OLE2),
    ("application/octet-stream", ole2(), OLE2),
    (DOCX, zipped(b"customXml/item1.xml"), DOCX),
    (XLSX, zipped(b"docProps/app.xml"), XLSX),
    (WORD_2007, zipped(b"[Content_Types].xml", b"word/document.xml"), WORD_2007),
    (DOCX, zipped(b"_rels/.rels", b"xl/workbook.xml"), XLSX),
    (f"{ODF}text", zipped(b"content.xml"), f"{ODF}text"),
    ("application/epub+zip", zipped(b"META-INF/container.xml"), "application/epub+zip"),
    ("model/vnd.usdz+zip", zipped(b"a.usdc"), "model/vnd.usdz+zip"),
    ("application/vnd.apple.pkpass", zipped(b"pass.json"), "application/vnd.apple.pkpass"),
    ("application/x-zip-compressed", zipped(b"a"), ZIP),
    ("image/jpeg", zipped(b"a"), ZIP),
    ("application/x-evil+zip\r\nX: y", zipped(b"a"), ZIP),
    (f"application/{'x' * 200}+zip", zipped(b"a"), ZIP),
    ("audio/mp4", ftyp(b"mp42"), M4A),
    ("audio/x-m4a", ftyp(b"isom"), M4A),
    ("video/mp4", ftyp(b"mp42") + box(b"moov", track(b"soun")), M4A),
    ("audio/mp4", ftyp(b"mp42") + box(b"moov", track(b"soun"), track(b"vide")), "video/mp4"),
    ("audio/3gpp", ftyp(b"3gp5"), "audio/3gpp"),
    ("video/3gpp", ftyp(b"isom"), "video/3gpp"),
    ("video/mp4", ftyp(b"abcd"), "video/mp4"),
    ("image/heif", ftyp(b"abcd"), "image/heic"),
    ("image/jpeg", ftyp(b"abcd"), "application/mp4"),
    ("image/jpeg", ftyp(b"mp42"), "video/mp4"),
    ("video/quicktime", ftyp(b"mp42"), "video/mp4"),
    ("text/csv", b"name,phone\r\nA,1\r\n", "text/csv"),
    ("application/vnd.ms-excel", b"name;phone\r\nA;1\r\n", "text/plain"),
    ("application/vnd.ms-excel", b"name\tphone\r\n", "text/plain"),
    ("application/msword", rb"{\rtf1\ansi hello}", "text/rtf"),
    ("application/vnd.ms-excel", b'<?xml version="1.0"?><Workbook/>', "application/xml"),
    ("image/svg+xml", b"hello", "text/plain"),
    ("text/html", b"hello", "text/plain"),
    ("video/mp4", b"\1\2\3\x80\x81\x99", UNKNOWN),
    ("application/msword", b"\xff\xd8\xff\xe0", "image/jpeg"),
]


@pytest.mark.parametrize(("declared", "head", "stored"), DECLARED)
def test_the_declared_type_decides_only_within_its_family(
    declared: str, head: bytes, stored: str
) -> None:
    assert sniff(head, declared=declared) == stored


@pytest.mark.parametrize("stored", sorted({stored for _, _, stored in DECLARED} - {DOC}))
def test_only_a_word_document_gets_the_extension_doc(stored: str) -> None:
    assert extension(stored) != ".doc"


@pytest.mark.parametrize(
    "active",
    [
        *("application/x-msi", "application/java-archive", OLE2, "application/mp4", WORD_2007),
        *("application/vnd.android.package-archive", "multipart/related", "application/xml"),
    ],
)
def test_content_that_could_be_executed_gets_the_extension_bin(active: str) -> None:
    assert extension(active) == ".bin"


@given(
    st.sampled_from([b"", *(head for _, head in SAMPLES)]),
    st.binary(max_size=2048),
    st.sampled_from([*EXTENSIONS, *ALIASES]) | st.text(max_size=255),
)
def test_any_bytes_can_be_sniffed_and_checked(head: bytes, more: bytes, declared: str) -> None:
    stored = sniff(head + more, declared=declared)
    assert stored.isascii()
    assert stored.isprintable()
    assert "/" in stored
    check(head + more, declared="text/plain")


@pytest.mark.parametrize("repeated", [b"<!---->", b"<?xml ?>", b"<!DOCTYPE x>", b"[", b"<", b" "])
def test_hostile_repetition_is_sniffed_at_once(repeated: bytes) -> None:
    # A pattern with catastrophic backtracking would never finish.
    head = (repeated * 4096)[:4090] + b"!"
    check(head, declared="image/jpeg")
    assert sniff(head) != "text/html"


def test_the_extension_depends_only_on_the_content_type() -> None:
    assert extension("image/jpeg") == ".jpg"
    assert extension("Text/Plain; charset=utf-8") == ".txt"


@pytest.mark.parametrize("active", ["text/html", "image/svg+xml", "text/javascript", "../x", ""])
def test_active_or_unknown_content_gets_a_neutral_extension(active: str) -> None:
    assert extension(active) == ".bin"


def test_every_extension_is_a_dot_followed_by_letters_or_digits() -> None:
    assert all(ending[0] == "." and ending[1:].isalnum() for ending in EXTENSIONS.values())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("audio/x-wav", "audio/wav"),
        ("audio/wave", "audio/x-wav"),
        ("audio/x-m4a", "audio/mp4"),
        ("audio/AMR", "audio/amr"),
        ("audio/mp3", "audio/mpeg"),
        ("audio/ogg; codecs=opus", "audio/ogg"),
        ("image/jpg", "image/jpeg"),
        ("image/pjpeg", "image/jpeg"),
        ("image/heif", "image/heic"),
        ("application/x-zip-compressed", "application/zip"),
        ("application/rtf", "text/rtf"),
        ("text/x-vcard", "text/vcard"),
        ("text/xml; charset=utf-8", "application/xml"),
        ("application/msexcel", "application/vnd.ms-excel"),
    ],
)
def test_two_names_of_one_type_are_the_same(one: str, other: str) -> None:
    assert is_same(one, other)


def test_different_types_are_not_the_same() -> None:
    assert not is_same("image/jpeg", "image/png")
    assert not is_same("video/3gpp", "audio/3gpp")


def test_no_alias_leads_to_another_alias() -> None:
    assert all(canonical(name) == name for name in (*ALIASES.values(), *EXTENSIONS))
