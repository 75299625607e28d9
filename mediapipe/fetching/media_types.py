"""Names of content types: aliases, families that share their first bytes, file extensions."""

import re

UNKNOWN = "application/octet-stream"
OLE2 = "application/x-ole-storage"
# The container of MP4, QuickTime and HEIC, with a brand that we do not know.
ISO_MEDIA = "application/mp4"
ZIP = "application/zip"
OFFICE = "application/vnd.openxmlformats-officedocument."
DOCX = f"{OFFICE}wordprocessingml.document"
XLSX = f"{OFFICE}spreadsheetml.sheet"
PPTX = f"{OFFICE}presentationml.presentation"
DOC, XLS = "application/msword", "application/vnd.ms-excel"
PPT, MSG = "application/vnd.ms-powerpoint", "application/vnd.ms-outlook"

# The name of each type, and what phones, carriers and puremagic call it instead.
_OTHER_NAMES = {
    "application/gzip": "application/x-gzip",
    "application/json": "text/json application/x-json",
    "application/pdf": "application/x-pdf application/acrobat",
    "application/xml": "text/xml",
    "application/x-msi": "application/x-msdownload-msi application/x-windows-installer",
    DOC: "application/doc application/vnd.msword application/word application/x-msword",
    XLS: "application/excel application/msexcel application/x-excel application/x-msexcel"
    " application/xls application/x-xls application/x-dos_ms_excel",
    PPT: "application/mspowerpoint application/powerpoint application/x-mspowerpoint",
    MSG: "application/msoutlook application/x-msg",
    ZIP: "application/x-zip-compressed application/x-zip application/zip-compressed"
    " multipart/x-zip",
    "audio/3gpp": "audio/3gp audio/x-3gpp",
    "audio/3gpp2": "audio/3g2",
    "audio/aac": "audio/aacp audio/x-aac audio/x-hx-aac-adts audio/vnd.dlna.adts",
    "audio/amr": "audio/amr-nb audio/amr-wb audio/x-amr",
    "audio/mp4": "audio/x-m4a audio/m4a audio/x-mp4 audio/x-m4b audio/mp4a-latm",
    "audio/mpeg": "audio/mp3 audio/x-mp3 audio/x-mpeg audio/mpg audio/x-mpg audio/mpeg3"
    " audio/x-mpeg-3 audio/x-mpegaudio",
    "audio/ogg": "application/ogg application/x-ogg audio/x-ogg audio/opus audio/vorbis",
    "audio/wav": "audio/x-wav audio/wave audio/vnd.wave audio/x-pn-wav",
    "image/bmp": "image/x-bmp image/x-ms-bmp image/x-windows-bmp",
    "image/heic": "image/heif image/heic-sequence image/heif-sequence",
    "image/jp2": "image/jpeg2000 image/x-jp2",
    "image/jpeg": "image/jpg image/pjpeg image/x-jpeg image/x-jpg",
    "image/png": "image/x-png",
    "image/tiff": "image/tif image/x-tif image/x-tiff",
    "text/calendar": "text/x-vcalendar application/ics",
    "text/csv": "application/csv text/x-csv text/comma-separated-values",
    "text/rtf": "application/rtf application/x-rtf text/richtext",
    "text/vcard": "text/x-vcard text/directory application/vcard",
    "video/3gpp": "video/3gp video/x-3gpp",
    "video/3gpp2": "video/3g2",
    "video/mp4": "video/x-m4v video/x-mp4",
    "video/quicktime": "video/x-quicktime video/mov",
    "video/x-msvideo": "video/avi video/msvideo",
}
ALIASES = {alias: name for name, others in _OTHER_NAMES.items() for alias in others.split()}

_MP4 = r"(audio|video)/(mp4|3gpp2?)"


def _office(new: str, old: str) -> str:
    """Return the pattern of the documents, templates and macro files of one Office program."""
    return rf"application/vnd\.(openxmlformats-officedocument\.{new}|{old})\.[a-z.]{{1,40}}(12)?"


_WORD = _office("wordprocessingml", "ms-word")
_EXCEL = _office("spreadsheetml", "ms-excel")
_POWERPOINT = _office("presentationml", "ms-powerpoint")
# For the type that the first bytes show: the declared types whose files begin with the same bytes.
# No other declared type is used.
FAMILIES = {
    # Encrypted .docx, .xlsx and .pptx files are OLE2 files too.
    OLE2: rf"{DOC}|{XLS}|{PPT}|{MSG}|application/(x-msi|vnd\.visio|vnd\.ms-(project|works)"
    rf"|x-mspublisher|vnd\.ms-publisher)|{_WORD}|{_EXCEL}|{_POWERPOINT}",
    ZIP: rf"{_WORD}|{_EXCEL}|{_POWERPOINT}|[a-z]{{4,11}}/[a-z0-9.-]{{1,80}}\+zip"
    r"|application/vnd\.oasis\.opendocument\.[a-z-]{1,40}"
    r"|application/(java-archive|vnd\.android\.package-archive|vnd\.google-earth\.kmz"
    r"|vnd\.ms-xpsdocument|oxps|vnd\.apple\.(pkpass|pages|numbers|keynote)"
    r"|x-iwork-(pages|numbers|keynote)-sffpages)",
    DOCX: _WORD,
    XLSX: _EXCEL,
    PPTX: _POWERPOINT,
    "application/java-archive": r"application/vnd\.android\.package-archive",
    "video/mp4": _MP4,
    "video/3gpp": _MP4,
    "video/3gpp2": _MP4,
    "video/webm": r"audio/webm",
    "video/x-matroska": r"audio/x-matroska",
    "video/x-ms-wmv": r"audio/x-ms-wma|video/x-ms-asf",
    ISO_MEDIA: rf"{_MP4}|video/quicktime|image/(heic|avif)",
    "text/plain": r"text/(csv|tab-separated-values)",
}

# Extensions of stored files: none that a web server or a desktop would execute.
EXTENSIONS = {
    "application/epub+zip": ".epub",
    "application/json": ".json",
    "application/pdf": ".pdf",
    "application/vnd.oasis.opendocument.presentation": ".odp",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/vnd.oasis.opendocument.text": ".odt",
    DOC: ".doc",
    DOCX: ".docx",
    MSG: ".msg",
    PPT: ".ppt",
    PPTX: ".pptx",
    XLS: ".xls",
    XLSX: ".xlsx",
    ZIP: ".zip",
    "audio/3gpp": ".3gp",
    "audio/3gpp2": ".3g2",
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
    "video/3gpp2": ".3g2",
    "video/mp4": ".mp4",
    "video/ogg": ".ogv",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
}


def canonical(content_type: str) -> str:
    """Return the one name of this type, in lower case and without parameters."""
    name = content_type.partition(";")[0].strip().lower()
    return ALIASES.get(name, name)


def is_same(one: str, other: str) -> bool:
    """Return whether these are names of the same type, such as audio/x-wav and audio/wav."""
    return canonical(one) == canonical(other)


def is_office(content_type: str) -> bool:
    """Return whether this is a type of Word, Excel or PowerPoint."""
    patterns = (DOC, XLS, PPT, _WORD, _EXCEL, _POWERPOINT)
    return bool(re.fullmatch("|".join(patterns), canonical(content_type)))


def narrowed(found: str, declared: str) -> str:
    """Return the declared type if its files begin like those of `found`, otherwise `found`.

    `found` is the type that the first bytes show. The result is safe to store and to send in a
    header.
    """
    name = canonical(declared)
    return name if re.fullmatch(FAMILIES.get(found, "(?!)"), name) else found


def extension(content_type: str) -> str:
    """Return the file extension for this type, with its dot."""
    return EXTENSIONS.get(canonical(content_type), ".bin")
