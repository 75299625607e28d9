import errno
import gzip
import hashlib
import io
import socket
from collections.abc import Callable
from io import BufferedWriter
from typing import Any

import pytest

from mediapipe.failures import (
    BodyEmpty,
    BodyTruncated,
    ConnectionFailed,
    RateLimited,
    StorageFailed,
    TooLarge,
    TransientMedia404,
    UnexpectedResponse,
    WrongEncoding,
)
from tests.support.downloads import Download, get, loopback  # noqa: F401
from tests.support.raw_server import answer, cut, serve
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("loopback")

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def test_a_body_is_written_and_its_size_hash_and_head_are_returned() -> None:
    sent = bytes(range(256)) * 1000
    with serve(answer(200, sent)) as origin:
        one = Download(origin.url())
        body = one.run()
    assert isinstance(one.to, io.BytesIO)
    assert one.to.getvalue() == sent
    assert (body.size, body.sha256) == (256_000, hashlib.sha256(sent).hexdigest())
    assert body.head == sent[:4096]


def test_a_chunked_body_is_accepted() -> None:
    with serve(CHUNKED + b"3\r\nmed\r\n2;x=y\r\nia\r\n0\r\n\r\n") as origin:
        assert get(origin.url()) == b"media"


def test_a_body_that_ends_with_the_connection_is_accepted() -> None:
    with serve(cut(OK + b"\r\nmedia")) as origin:
        assert get(origin.url()) == b"media"


def test_progress_is_reported_before_each_request_and_after_each_packet() -> None:
    with serve(answer(200, b"media")) as origin:
        one = Download(origin.url())
        one.run()
    assert one.progress == 2


def test_progress_is_reported_while_a_body_arrives_slowly() -> None:
    def has_progress(times: int) -> Callable[[], bool]:
        return lambda: one.progress == times

    def send_slowly(connection: socket.socket) -> None:
        connection.sendall(OK + b"Content-Length: 5\r\n\r\n")
        for times, letter in enumerate(b"media", start=1):
            # Before the last letter was read, the next one would join it in one packet.
            eventually(has_progress(times))
            connection.sendall(bytes([letter]))

    with serve(send_slowly) as origin:
        one = Download(origin.url())
        one.run()
    assert one.progress == 6


@pytest.mark.parametrize("sent", [0, 1, 4, 999])
def test_a_body_that_is_cut_short_fails_as_truncated(sent: int) -> None:
    with serve(cut(OK + b"Content-Length: 1000\r\n\r\n" + b"x" * sent)) as origin:
        one = Download(origin.url())
        one.fails_as(BodyTruncated)
    assert one.evidence.bytes_received == sent


@pytest.mark.parametrize("sent", [b"", b"5", b"5\r\nmed", b"5\r\nmedia\r\n", b"wrong\r\nmedia\r\n"])
def test_a_chunked_body_that_is_cut_short_fails_as_truncated(sent: bytes) -> None:
    with serve(cut(CHUNKED + sent)) as origin:
        Download(origin.url()).fails_as(BodyTruncated)


@pytest.mark.parametrize(
    "sent",
    [answer(200), CHUNKED + b"0\r\n\r\n"],
)
def test_a_successful_response_without_a_body_fails_as_empty(sent: bytes) -> None:
    with serve(sent) as origin:
        Download(origin.url()).fails_as(BodyEmpty)


@pytest.mark.parametrize(
    "encoding",
    [
        *("gzip", "x-gzip", "br", "deflate", "compress", "zstd", "dcb", "base64", "nonsense"),
        *("deflate, gzip", "gzip, aws-chunked", "aws-chunked,gzip", "UTF-8, br", "identity, gzip"),
    ],
)
def test_a_compressed_body_is_refused(encoding: str) -> None:
    with serve(answer(200, gzip.compress(b"media"), Content_Encoding=encoding)) as origin:
        failure = Download(origin.url()).fails_as(WrongEncoding)
    assert failure.detail == f"Content-Encoding: {encoding}"


@pytest.mark.parametrize(
    "encoding",
    [
        *("", " ", "Identity", "aws-chunked", "AWS-Chunked", "UTF-8", "utf8", "binary", "none"),
        *(",", " aws-chunked , identity\t", "aws-chunked,aws-chunked", "iso-8859-1", "8bit"),
    ],
)
@pytest.mark.parametrize("body", [b"media", gzip.compress(b"media")], ids=["plain", "compressed"])
def test_a_content_encoding_without_effect_leaves_the_bytes_unchanged(
    encoding: str, body: bytes
) -> None:
    # The media itself may be a compressed file; only compression in transport is refused.
    with serve(answer(200, body, Content_Encoding=encoding)) as origin:
        one = Download(origin.url())
        stored = one.run()
    assert isinstance(one.to, io.BytesIO)
    assert one.to.getvalue() == body
    assert (stored.size, stored.sha256) == (len(body), hashlib.sha256(body).hexdigest())


def test_repeated_content_encoding_headers_count_as_one_list() -> None:
    first, second = b"Content-Encoding: aws-chunked\r\n", b"Content-Encoding: \r\n"
    with serve(cut(OK + first + second + b"\r\nmedia")) as origin:
        assert get(origin.url()) == b"media"
    with serve(cut(OK + b"Content-Encoding: gzip\r\n" + first + b"\r\nmedia")) as origin:
        Download(origin.url()).fails_as(WrongEncoding)


def test_a_body_with_the_chunk_framing_of_an_s3_upload_is_refused() -> None:
    framed = b"5;chunk-signature=" + b"a" * 64 + b"\r\nmedia\r\n0;chunk-signature="
    with serve(answer(200, framed, Content_Encoding="aws-chunked")) as origin:
        Download(origin.url()).fails_as(WrongEncoding)


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: -1",
        b"Content-Length: five",
        b"Content-Length: +5",
        b"Content-Length: 0x5",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"no header at all\r\nTransfer-Encoding: chunked",
        b"X: " + b"y" * 70_000,
        b"\r\n".join(b"X%d: y" % number for number in range(200)),
    ],
)
def test_a_response_with_invalid_headers_fails_as_unexpected(header: bytes) -> None:
    with serve(cut(OK + header + b"\r\n\r\nmedia")) as origin:
        Download(origin.url()).fails_as(UnexpectedResponse)


@pytest.mark.parametrize("sent", [b"220 smtp ready\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\0" * 100])
def test_a_response_that_is_not_http_fails_as_unexpected(sent: bytes) -> None:
    with serve(cut(sent)) as origin:
        Download(origin.url()).fails_as(UnexpectedResponse)


@pytest.mark.parametrize("status", [201, 204, 206, 304, 418, 520])
def test_a_status_that_the_provider_does_not_know_fails_as_unexpected(status: int) -> None:
    with serve(cut(b"HTTP/1.1 %d Reason\r\n\r\nmedia" % status)) as origin:
        one = Download(origin.url())
        one.fails_as(UnexpectedResponse)
    assert one.to.tell() == 0


def test_the_provider_decides_which_failure_a_response_means() -> None:
    with serve(answer(404, b"20404")) as origin:
        one = Download(origin.url())
        one.fails_as(TransientMedia404)
    assert (one.evidence.http_status, one.evidence.error_code) == (404, 20404)


def test_the_provider_receives_the_header_names_in_lower_case() -> None:
    with serve(answer(429, b"busy", RETRY_After="5")) as origin:
        failure = Download(origin.url()).fails_as(RateLimited)
    assert failure.retry_after_s == 5
    assert len(origin.requests) == 1


def test_an_error_whose_body_is_cut_short_is_still_that_error() -> None:
    with serve(cut(b"HTTP/1.1 404 No\r\nContent-Length: 1000\r\n\r\n20404")) as origin:
        one = Download(origin.url())
        one.fails_as(TransientMedia404)
    assert one.evidence.error_code == 20404


def test_a_connection_closed_without_a_response_is_a_connection_failure() -> None:
    with serve(cut(b"")) as origin:
        Download(origin.url()).fails_as(ConnectionFailed)


class Disk(io.RawIOBase):
    full = True

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return len(memoryview(data))


@pytest.mark.parametrize("buffered", [10, 100_000])
def test_a_full_disk_is_a_storage_failure(buffered: int) -> None:
    disk = Disk()
    with serve(answer(200, b"x" * 1000)) as origin, BufferedWriter(disk, buffered) as to:
        failure = Download(origin.url(), to=to).fails_as(StorageFailed)
        disk.full = False
    assert failure.detail == "No space left on device"


def test_an_exception_raised_by_the_progress_callback_is_passed_on() -> None:
    def stop() -> None:
        raise ValueError("the lease is lost")

    with serve(answer(200, b"media")) as origin:
        one = Download(origin.url())
        one._advance = stop  # type: ignore[method-assign]
        with pytest.raises(ValueError, match="the lease is lost"):
            one.run()


def test_a_body_whose_declared_length_is_too_large_is_refused() -> None:
    with serve(cut(OK + b"Content-Length: 9999999999999\r\n\r\n")) as origin:
        Download(origin.url()).fails_as(TooLarge)
