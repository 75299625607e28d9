"""Detecting the content type from the first 4 KiB; the declared type is never trusted."""

import codecs
import json
import re

import puremagic

from mediapipe.failures import ErrorDocument

UNKNOWN = "application/octet-stream"

# puremagic has other names, or several, for these.
NAMES = {
    "application/ogg": "audio/ogg",
    "application/rtf": "text/rtf",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "image/heif": "image/heic",
}
OFFICE = "application/vnd.openxmlformats-officedocument."
# Extensions of stored files: none that a web server or a desktop would execute.
EXTENSIONS = {
    "application/json": ".json",
    "application/msword": ".doc",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    f"{OFFICE}presentationml.presentation": ".pptx",
    f"{OFFICE}spreadsheetml.sheet": ".xlsx",
    f"{OFFICE}wordprocessingml.document": ".docx",
    "audio/3gpp": ".3gp",
    "audio/aac": ".aac",
    "audio/amr": ".amr",
    "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "audio/wav": ".wav",
    "image/avif": ".avif",
    "image/bmp": ".bmp",
    "image/gif": ".gif",
    "image/heic": ".heic",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/tiff": ".tiff",
    "image/webp": ".webp",
    "text/calendar": ".ics",
    "text/csv": ".csv",
    "text/plain": ".txt",
    "text/rtf": ".rtf",
    "text/vcard": ".vcf",
    "video/3gpp": ".3gp",
    "video/mp4": ".mp4",
    "video/ogg": ".ogv",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
}
ZIPPED_OFFICE = rb"PK\x03\x04(?=.*(?:_rels/|\[Content_Types\])).*"
# Types that puremagic misses or guesses from two bytes; and first the few that nearly all media
# has, because puremagic tries a thousand signatures. The first match wins.
BINARY = [
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"RIFF....WAVE", "audio/wav"),
    (rb"RIFF....WEBP", "image/webp"),
    (rb"....ftyp(heic|heix|hevc|heim|heis|mif1|msf1)", "image/heic"),
    (rb"....ftypavi[fs]", "image/avif"),
    (rb"....ftyp(M4A|M4B) ", "audio/mp4"),
    (rb"....ftyp3g", "video/3gpp"),
    (rb"....ftypqt", "video/quicktime"),
    (rb"....ftyp", "video/mp4"),
    (rb"\0...(moov|mdat|wide)", "video/quicktime"),
    (rb"OggS.{24,300}\x80theora", "video/ogg"),
    (rb"OggS", "audio/ogg"),
    (rb"#!AMR", "audio/amr"),
    (rb"ID3[\x02-\x04]|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", "audio/mpeg"),
    (rb"\xff[\xf0\xf1\xf8\xf9]", "audio/aac"),
    (rb"BM.{4}\0\0\0\0", "image/bmp"),
    (rb"GIF8[79]a", "image/gif"),
    (ZIPPED_OFFICE + rb"word/", f"{OFFICE}wordprocessingml.document"),
    (ZIPPED_OFFICE + rb"xl/", f"{OFFICE}spreadsheetml.sheet"),
    (ZIPPED_OFFICE + rb"ppt/", f"{OFFICE}presentationml.presentation"),
    (rb"PK\x03\x04", "application/zip"),
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
    (PROLOGUE + rb"<svg[\s>]", "image/svg+xml"),
    (rb"\s*<!DOCTYPE\s+html|" + PROLOGUE + PAGE, "text/html"),
    (rb"\s*<\?xml\s", "application/xml"),
]
AUDIO_ONLY = {"video/3gpp": "audio/3gpp", "video/mp4": "audio/mp4"}
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
TWILIO_ERROR = re.compile(PROLOGUE + rb"<TwilioResponse>\s*<RestException>", re.DOTALL)
TWILIO_ERROR_KEYS = {"code", "message", "more_info", "status"}


def sniff(head: bytes) -> str:
    """Return the MIME type of a body that begins with `head` (up to 4 KiB).

    Any other text, such as CSV, is text/plain; anything unknown is application/octet-stream.
    """
    text = head.removeprefix(codecs.BOM_UTF8)
    found = _first_match(BINARY, head, re.DOTALL)
    if found:
        return AUDIO_ONLY[found] if found in AUDIO_ONLY and _is_audio_only(head) else found
    return _first_match(MARKUP, text, re.DOTALL | re.IGNORECASE) or _plain(text) or _guess(head)


def extension(content_type: str) -> str:
    """Return the file extension for this type, with its dot."""
    return EXTENSIONS.get(content_type.partition(";")[0].strip().lower(), ".bin")


def check(head: bytes, *, declared: str) -> None:
    """Raise ErrorDocument for an error document of Twilio, or a web page that was not announced.

    `declared` is the content type in the webhook, "" if it had none: an undeclared web page is
    far more often the login of a proxy than media.
    """
    text = head.removeprefix(codecs.BOM_UTF8)
    if TWILIO_ERROR.match(text) or _keys(text) >= TWILIO_ERROR_KEYS:
        raise ErrorDocument("Twilio's error document")
    announced = declared.strip().lower()
    expects_markup = announced.startswith("text/") or "html" in announced
    if not expects_markup and sniff(head) == "text/html":
        raise ErrorDocument("a web page")


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
    return NAMES.get(name, name)


def _is_audio_only(head: bytes) -> bool:
    """Return whether the complete index of an MP4 family file is in `head` and lists only audio."""
    start = head.find(b"moov") - 4
    end = start + int.from_bytes(head[max(start, 0) :][:4])
    index = head[start:end] if 0 <= start < end <= len(head) else b""
    return b"soun" in index and b"vide" not in index


def _keys(text: bytes) -> set[str]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return set()
    return set(document) if isinstance(document, dict) else set()
