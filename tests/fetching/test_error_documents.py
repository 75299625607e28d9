"""A page or document in place of the media: which is refused, and which is media."""

from __future__ import annotations

import json

import pytest

from mediapipe.failures import ErrorDocument
from mediapipe.fetching.content_type import check, sniff
from mediapipe.fetching.media_types import (
    XLSX,
    extension,
)

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
def test_a_web_page_in_place_of_other_media_is_refused(declared: str) -> None:
    with pytest.raises(ErrorDocument):
        check(b"<!DOCTYPE html><title>Sign in</title>", declared=declared)


OFFICE_HTML = (
    b'<html xmlns:o="urn:schemas-microsoft-com:office:office"\n'
    b'xmlns:x="urn:schemas-microsoft-com:office:excel"><head></head><table><tr><td>1'
)
EXPORTED = [
    OFFICE_HTML,
    OFFICE_HTML.decode().encode("utf-16"),
    b"<table border=1><tr><td>1",
    b"\xef\xbb\xbf<TABLE border=1><tr><td>1",
    b"<html><head><meta charset=utf-8><title>Export</title></head><body><table><tr><td>1",
]


@pytest.mark.parametrize("page", EXPORTED)
@pytest.mark.parametrize(
    "declared", ["application/vnd.ms-excel", "application/msword", "application/x-excel", XLSX]
)
def test_an_office_file_that_is_html_is_media(page: bytes, declared: str) -> None:
    check(page, declared=declared, served=declared)
    stored = sniff(page, declared=declared)
    assert (stored, extension(stored)) == ("text/html", ".bin")


@pytest.mark.parametrize("page", EXPORTED)
@pytest.mark.parametrize("declared", ["image/jpeg", "application/pdf", "audio/x-wav", ""])
def test_an_exported_page_in_place_of_other_media_is_refused(page: bytes, declared: str) -> None:
    with pytest.raises(ErrorDocument):
        check(page, declared=declared, served="application/vnd.ms-excel")


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html><html><body>Please log in</body></html>",
        b"<html><title>Blocked</title><table><tr><td>Web page blocked",
        b"<table><tr><td><form action=/login><input name=user>",
        OFFICE_HTML + b"<form method=post>",
        b"<html><meta http-equiv='refresh' content='0;url=/login'><table><tr><td>",
        b"<html><script>location='/login'</script><table>",
    ],
)
def test_a_login_or_error_page_in_place_of_an_excel_file_is_refused(page: bytes) -> None:
    with pytest.raises(ErrorDocument):
        check(page, declared="application/vnd.ms-excel", served="text/html; charset=utf-8")


@pytest.mark.parametrize(
    "declared", ["text/html; charset=utf-8", "text/plain", "application/xhtml+xml"]
)
def test_a_web_page_declared_as_text_is_media(declared: str) -> None:
    check(b"<!DOCTYPE html><title>My page</title>", declared=declared)


@pytest.mark.parametrize("head", [b'{"code": 1}', b"[1, 2]", b"<a/>", b"<TwilioResponse/>", b"x"])
def test_other_documents_are_media(head: bytes) -> None:
    check(head, declared="application/octet-stream")
