"""Detecting the content type from the first 4 KiB; the declared type only decides within a family.

puremagic 2 looks into Office and ZIP files, but needs Python 3.12; puremagic 1 only knows their
headers, and returns the first of many names.
"""

import codecs
import json
import re

import puremagic

from mediapipe.failures import ErrorDocument
from mediapipe.fetching.media_types import (
    DOC,
    DOCX,
    ISO_MEDIA,
    MSG,
    OLE2,
    PPT,
    PPTX,
    UNKNOWN,
    XLS,
    XLSX,
    ZIP,
    canonical,
    is_office,
    narrowed,
)

# [MS-CFB]: the first stream is often at byte 512; stream names are UTF-16.
OLE2_HEADER = rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def _stream(name: str) -> bytes:
    return OLE2_HEADER + b".*" + re.escape(name.encode("utf-16-le"))


PK = rb"PK\x03\x04"
# The first member of a ZIP file: its name follows the fixed 30 bytes of its header.
FIRST = PK + rb".{26}"
# EPUB and OpenDocument files name their own type in it, uncompressed.
NAMED = re.compile(
    FIRST + rb"mimetype(application/(epub\+zip|vnd\.oasis\.opendocument\.[a-z-]{1,40}))PK",
    re.DOTALL,
)
ZIPPED_OFFICE = PK + rb"(?=.*(?:_rels/|\[Content_Types\])).*"
MP4_BRANDS = rb"iso[m2-9a-c]|mp4[12]|mmp4|avc1|av01|hvc1|dash|cmf[cs2]|MSNV|M4V[ HP]|[fF]4v |XAVC"
# First the few types of nearly all media, because puremagic tries a thousand signatures; then types
# that puremagic misses or guesses from two bytes. The first match wins.
BINARY = [
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"RIFF....WAVE", "audio/wav"),
    (rb"RIFF....WEBP", "image/webp"),
    (rb"RIFF....AVI ", "video/x-msvideo"),
    (rb"....ftyp(avi[fs]|(mif1|msf1).{4}(.{4}){0,8}avi[fs])", "image/avif"),
    (rb"....ftyp(heic|heix|hevc|heim|heis|mif1|msf1)", "image/heic"),
    (rb"....ftypcrx ", "image/x-canon-cr3"),
    (rb"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (rb"....ftyp(M4A|M4B|M4P|F4A|F4B) ", "audio/mp4"),
    (rb"....ftyp3g2", "video/3gpp2"),
    (rb"....ftyp3g", "video/3gpp"),
    (rb"....ftypqt", "video/quicktime"),
    (rb"....ftyp(" + MP4_BRANDS + rb")", "video/mp4"),
    (rb"....ftyp", ISO_MEDIA),
    (rb"\0...(moov|mdat|wide)", "video/quicktime"),
    (rb"OggS.{24,300}\x80theora", "video/ogg"),
    (rb"OggS", "audio/ogg"),
    (rb"#!AMR", "audio/amr"),
    (rb"ID3[\x02-\x04]|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", "audio/mpeg"),
    (rb"\xff[\xf0\xf1\xf8\xf9]", "audio/aac"),
    (rb"BM.{4}\0\0\0\0", "image/bmp"),
    (rb"GIF8[79]a", "image/gif"),
    (_stream("__properties_version1.0"), MSG),
    (_stream("__substg1.0_"), MSG),
    (OLE2_HEADER + rb".{504}\x09\x08[\x08\x10]\0\0[\x05\x06]", XLS),
    (OLE2_HEADER + rb".{504}\xec\xa5", DOC),
    (OLE2_HEADER + rb".{504}(\0n\x1e\xf0|\x0f\0\xe8\x03|\xa0F\x1d\xf0)", PPT),
    (_stream("WordDocument"), DOC),
    (_stream("PowerPoint Document"), PPT),
    (_stream("Workbook"), XLS),
    (OLE2_HEADER, OLE2),
    (FIRST + rb"(AndroidManifest\.xml|classes\.dex)", "application/vnd.android.package-archive"),
    (FIRST + rb"META-INF/(.{0,40}PK.{28}META-INF/)?MANIFEST\.MF", "application/java-archive"),
    (ZIPPED_OFFICE + rb"word/", DOCX),
    (ZIPPED_OFFICE + rb"xl/", XLSX),
    (ZIPPED_OFFICE + rb"ppt/", PPTX),
    (rb"PK(\x03\x04|\x05\x06|\x07\x08)", ZIP),
    (rb"\x1f\x8b\x08", "application/gzip"),
]
# Possessive, so that thousands of comments do not cause exponential backtracking.
PROLOGUE = rb"(?:\s|<\?xml.*?\?>|<!--.*?-->|<!DOCTYPE\s[^>]*>)*+"
# The tags by which browsers recognise HTML (WHATWG MIME sniffing).
PAGE = rb"<(html|head|body|script|iframe|h1|div|font|table|a|style|title|b|br|p)[\s>]"
MARKUP = [
    (rb"%PDF-", "application/pdf"),
    (rb"\{\\rtf", "text/rtf"),
    (rb"BEGIN:VCARD", "text/vcard"),
    (rb"BEGIN:VCALENDAR", "text/calendar"),
    (rb"MIME-Version:\s*1\.0\s", "multipart/related"),
    (PROLOGUE + rb"<svg[\s>]", "image/svg+xml"),
    (rb"\s*<!DOCTYPE\s+html|" + PROLOGUE + PAGE, "text/html"),
    (rb"\s*<\?xml\s", "application/xml"),
]
AUDIO = {"video/3gpp": "audio/3gpp", "video/3gpp2": "audio/3gpp2", "video/mp4": "audio/mp4"}
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
TWILIO_ERROR = re.compile(PROLOGUE + rb"<TwilioResponse>\s*<RestException>", re.DOTALL)
TWILIO_ERROR_KEYS = {"code", "message", "more_info", "status"}
# Excel and Word write these into HTML, and open such a file whatever its extension.
OFFICE_PAGE = re.compile(rb"urn:schemas-microsoft-com:office:(office|excel|word|powerpoint)")
TABLE = re.compile(rb"<table[\s>]", re.IGNORECASE)
TABLE_ALONE = re.compile(PROLOGUE + rb"<table[\s>]", re.DOTALL | re.IGNORECASE)
# What login and error pages contain and exported tables do not.
INTERACTIVE = re.compile(
    rb"<(form|input|button|iframe)[\s>/]|http-equiv\s*=\s*.?refresh", re.IGNORECASE
)
SCRIPT = re.compile(rb"<script[\s>]", re.IGNORECASE)


def sniff(head: bytes, *, declared: str = "") -> str:
    """Return the MIME type of a body that begins with `head` (up to 4 KiB).

    `declared` chooses among types that begin with the same bytes: old Office documents, ZIP files,
    the MP4 family. Any other text, such as CSV, is text/plain; anything unknown is
    application/octet-stream.
    """
    if named := NAMED.match(head):
        return named[1].decode()
    found = _first_match(BINARY, head, re.DOTALL)
    if not found:
        text = _text(head)
        found = _first_match(MARKUP, text, re.DOTALL | re.IGNORECASE) or _plain(text)
    if found in AUDIO and (tracks := _tracks(head)):
        return found if b"vide" in tracks else AUDIO[found]
    return narrowed(found or _guess(head), declared)


def check(head: bytes, *, declared: str, served: str = "") -> None:
    """Raise ErrorDocument for an error document of Twilio, or a web page that was not announced.

    `declared` is the content type in the webhook, "" if it had none: an undeclared web page is
    far more often the login page of a proxy than media. `served` is that of the response.
    """
    text = _text(head)
    if TWILIO_ERROR.match(text) or _keys(text) >= TWILIO_ERROR_KEYS:
        raise ErrorDocument("Twilio's error document")
    announced = declared.strip().lower()
    expects_markup = announced.startswith("text/") or "html" in announced
    if expects_markup or sniff(head) != "text/html":
        return
    if not (is_office(declared) and _is_exported(text, served)):
        raise ErrorDocument("a web page")


def _is_exported(page: bytes, served: str) -> bool:
    """Return whether a web page is what a bank or an Office program exports as .xls or .doc."""
    if INTERACTIVE.search(page):
        return False
    if OFFICE_PAGE.search(page) or TABLE_ALONE.match(page):
        return True
    # A proxy serves its own page as HTML; the CDN serves a file with the type that was declared.
    foreign = canonical(served) == "text/html" or SCRIPT.search(page)
    return bool(TABLE.search(page)) and not foreign


def _text(head: bytes) -> bytes:
    """Return the beginning of a text as UTF-8 without a byte order mark."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "ignore").encode("utf-8", "ignore")
    return head.removeprefix(codecs.BOM_UTF8)


def _first_match(patterns: list[tuple[bytes, str]], head: bytes, flags: int) -> str:
    return next((name for pattern, name in patterns if re.match(pattern, head, flags)), "")


def _plain(text: bytes) -> str:
    if not text or CONTROL.search(text):
        return ""
    try:
        # An incremental decoder, because the head may end within a character.
        codecs.getincrementaldecoder("utf-8")().decode(text)
    except UnicodeDecodeError:
        return ""
    return "application/json" if re.match(rb"\s*[\[{]\s*[\"\[{\]}]", text) else "text/plain"


def _guess(head: bytes) -> str:
    try:
        guesses = puremagic.magic_string(head)
    except (ValueError, LookupError):
        return UNKNOWN
    # A match of one or two bytes is a coincidence.
    names = (guess.mime_type for guess in guesses if len(guess.byte_match) > 2)
    name = next(filter(None, names), UNKNOWN)
    return canonical(name)


def _tracks(head: bytes) -> bytes:
    """Return the index of an MP4 family file; b"" if it is not all in `head` or lists no media."""
    start = head.find(b"moov") - 4
    end = start + int.from_bytes(head[max(start, 0) :][:4])
    index = head[start:end] if 0 <= start < end <= len(head) else b""
    return index if b"soun" in index or b"vide" in index else b""


def _keys(text: bytes) -> set[str]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return set()
    return set(document) if isinstance(document, dict) else set()
