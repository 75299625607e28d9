"""F: complete bodies that are not of the declared type, and malicious file names."""

from __future__ import annotations

from tests.support.bad_input.cases import BadFile

JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1" + b"\0" * 40
GIF = b"GIF89a\1\0\1\0\0\0\0;"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><foreignObject/></svg>"
HTML = b"<html><body><script>alert(1)</script>"
ENTITIES = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "&b;&b;&b;">]><x>&a;</x>'
WINDOWS = b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0" + b"\0" * 48
LINUX = b"\x7fELF\2\1\1" + b"\0" * 57
ZIP = b"PK\x03\x04\x14\0\0\0\x08\0" + b"\0" * 16 + b"\x05\0\0\0a.txt"
UNKNOWN, PLAIN = "application/octet-stream", "text/plain"
DOC, XLS = "application/msword", "application/vnd.ms-excel"
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
WORKBOOK = OLE2 + b"\x09\x08\x10\0\0\x06\x05\0" + bytes(100)
OFFICE_HTML = (
    b'<html xmlns:x="urn:schemas-microsoft-com:office:excel"><head></head><table><tr><td>1'
)
CAP = 1_000_000


def page(name: str, body: bytes, declared: str = "image/jpeg") -> BadFile:
    return BadFile(name, body, "error_document_as_media", declared=declared)


def kept(
    name: str, body: bytes, content_type: str, extension: str, declared: str = "image/jpeg"
) -> BadFile:
    return BadFile(name, body, "stored", content_type, extension, declared)


CONTENTS = [
    page("F1 HTML as a picture", HTML),
    page("F1 HTML without a declared type", HTML, declared=""),
    page("F1 HTML behind a comment", b"<!-- x -->\n<HTML>"),
    page("F1 HTML behind 600 blanks", b" " * 600 + HTML),
    page("F1 a frame", b"<iframe src='//evil.example'>"),
    page("F1 HTML as a sound", HTML, declared="audio/ogg"),
    page("F1 HTML as any application", HTML, declared="application/octet-stream"),
    kept("F1 HTML that was announced", HTML, "text/html", ".bin", "text/html"),
    page("F1 HTML as a workbook", HTML, declared=XLS),
    page("F1 a login form as a workbook", b"<table><tr><td><form><input>", declared=XLS),
    page("F1 an exported table as a picture", OFFICE_HTML),
    kept("F1 a workbook that is HTML", OFFICE_HTML, "text/html", ".bin", XLS),
    kept("F1 a document that is HTML", OFFICE_HTML + b"</table>", "text/html", ".bin", DOC),
    kept("F1 a table as a workbook", b"<table border=1><tr><td>1", "text/html", ".bin", XLS),
    kept("F1 a workbook as a document", WORKBOOK, XLS, ".xls", DOC),
    kept("F1 a workbook as a picture", WORKBOOK + b"\0", XLS, ".xls"),
    kept("F1 an unknown OLE2 file", OLE2, "application/x-ole-storage", ".bin"),
    kept("F1 an installer", OLE2 + b"\0", "application/x-msi", ".bin", "application/x-msi"),
    kept(
        "F1 an Android package",
        ZIP + b"\0",
        "application/vnd.android.package-archive",
        ".bin",
        "application/vnd.android.package-archive",
    ),
    kept("F1 HTML at offset 600 of a text", b"x" * 600 + HTML, PLAIN, ".txt"),
    kept("F1 SVG as a picture", SVG, "image/svg+xml", ".bin"),
    kept("F1 SVG that was announced", SVG, "image/svg+xml", ".bin", "image/svg+xml"),
    kept(
        "F1 SVG with a link",
        b"<svg><a xlink:href='javascript:alert(1)'/></svg>",
        "image/svg+xml",
        ".bin",
    ),
    kept("F1 a script as a picture", b"alert(document.cookie)", PLAIN, ".txt"),
    kept("F1 a shell script", b"#!/bin/sh\nrm -rf /\n", PLAIN, ".txt"),
    kept("F1 PHP as a picture", b"<?php system($_GET['c']); ?>", PLAIN, ".txt"),
    kept("F1 a ZIP as a picture", ZIP, "application/zip", ".zip"),
    kept("F2 GIF and HTML", GIF + HTML, "image/gif", ".gif"),
    kept("F2 GIF and script", b"GIF89a/*<html>*/=1;alert(1)", "image/gif", ".gif"),
    kept("F2 JPEG and script", JPEG + b"*/=alert(1)/*", "image/jpeg", ".jpg"),
    kept("F2 JPEG and ZIP", JPEG + ZIP, "image/jpeg", ".jpg"),
    kept("F2 JPEG and PHP", JPEG + b"<?php phpinfo(); ?>", "image/jpeg", ".jpg"),
    kept("F2 PDF and script", b"%PDF-1.4\n1 0 obj<</JS(app.alert(1))>>", "application/pdf", ".pdf"),
    kept("F3 XML with an external entity", ENTITIES, "application/xml", ".bin"),
    kept("F3 XML with a billion laughs", LAUGHS, "application/xml", ".bin"),
    kept("F3 JSON that is no error", b'{"code": 20404}', "application/json", ".json"),
    kept("F3 JSON of 900 KB of brackets", b"[" * 900_000, "application/json", ".json"),
    kept(
        "F4 a vCard",
        b"BEGIN:VCARD\r\nPHOTO;VALUE=URI:http://evil.example/\r\n",
        "text/vcard",
        ".vcf",
        "text/vcard",
    ),
    kept("F4 a vCard as a picture", b"BEGIN:VCARD\r\n", "text/vcard", ".vcf"),
    kept("F4 AMR as a video", b"#!AMR\n\x3c", "audio/amr", ".amr", "video/mp4"),
    kept("F5 one byte", b"\0", UNKNOWN, ".bin"),
    kept("F5 one letter", b"x", PLAIN, ".txt"),
    kept("F5 the first two bytes of a JPEG", b"\xff\xd8", UNKNOWN, ".bin"),
    kept("F5 exactly the cap", JPEG + bytes(CAP - len(JPEG)), "image/jpeg", ".jpg"),
    BadFile("F5 a byte over the cap", JPEG + bytes(CAP + 1 - len(JPEG)), "too_large"),
    kept("F5 half a character at the end", "\u00e9".encode()[:1] + b"\x01", UNKNOWN, ".bin"),
    kept("F5 only NUL", bytes(5000), UNKNOWN, ".bin"),
    kept("F5 only blanks", b" " * 5000, PLAIN, ".txt"),
    kept("F5 text in UTF-16", "hello".encode("utf-16"), PLAIN, ".txt", "text/plain"),
]
# Their type does not matter; what runs must not get the extension that makes it run.
PROGRAMS = [
    BadFile("F1 a Windows program as a picture", WINDOWS, extension="never .exe"),
    BadFile("F1 a Linux program as a picture", LINUX, extension="never .so"),
    BadFile(
        "F1 a Java class", b"\xca\xfe\xba\xbe\0\0\0\x34" + b"\0" * 20, extension="never .class"
    ),
    BadFile("F1 a cabinet", b"MSCF\0\0\0\0" + b"\0" * 40, extension="never .cab"),
    BadFile("F1 Flash", b"FWS\x05" + b"\0" * 40, extension="never .swf"),
]
NAMES = [
    BadFile(f"F6 {name}", JPEG, "stored", "image/jpeg", ".jpg", disposition=value)
    for name, value in {
        "a path up": 'attachment; filename="../../../../etc/passwd"',
        "an absolute path": 'attachment; filename="/etc/cron.d/x"',
        "a path of Windows": 'attachment; filename="C:\\\\Windows\\\\x.exe"',
        "a folder": 'attachment; filename="a/b/c.jpg"',
        "a NUL": 'attachment; filename="x.jpg\0.exe"',
        "500 letters": f'attachment; filename="{"n" * 500}.jpg"',
        "50 000 letters": f'attachment; filename="{"n" * 50_000}.jpg"',
        "a right-to-left override": "attachment; filename*=UTF-8''%E2%80%AEgpj.exe",
        "a device of Windows": 'attachment; filename="con.jpg"',
        "a web server's settings": 'attachment; filename=".htaccess"',
        "an emoji": 'attachment; filename="\xf0\x9f\x98\x80.jpg"',
        "quotes and semicolons": 'attachment; filename="a";b=";c"',
        "no name": "attachment; filename=",
        "two names": 'attachment; filename="a.jpg"; filename="b.exe"',
        "an unfinished name": 'attachment; filename="a',
        "a name that a decoder chokes on": "attachment; filename*=nonsense''%ff%zz",
        "nothing but dots": 'attachment; filename=".."',
        "a tilde": 'attachment; filename="~root/.ssh/authorized_keys"',
    }.items()
]

CASES: list[BadFile] = [*CONTENTS, *PROGRAMS, *NAMES]
