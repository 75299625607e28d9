"""Downloading one media item: credentials, redirects, limits, and the evidence of each response."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import BinaryIO

import requests
from django.conf import settings
from requests.auth import HTTPBasicAuth

from mediapipe.failures import (
    BodyEmpty,
    RedirectRefused,
    TooLarge,
    UnexpectedResponse,
    WrongEncoding,
    WrongSize,
)
from mediapipe.fetching.http.deadline import Deadline
from mediapipe.fetching.http.errors import NETWORK_ERRORS, network_failures, storage_failures
from mediapipe.fetching.http.redirects import target
from mediapipe.fetching.http.session import session
from mediapipe.fetching.limits import time_limit_s
from mediapipe.providers.base import Body, Credentials, Evidence, MediaRequest, Provider, Response
from mediapipe.redaction import host_of

REDIRECTS = (301, 302, 303, 307, 308)
MAX_REDIRECTS = 5
# Each packet costs a pass through Python, so a packet is as large as a full socket buffer.
PACKET_BYTES = 512 * 1024
HEAD_BYTES = 4096
ERROR_BYTES = 16384
# Content codings that change no byte. Amazon S3 sends an empty header for an object that was
# uploaded in chunks (aws/aws-sdk#498), other stores send the `aws-chunked` of the upload
# (aws/aws-sdk-net#559); the rest are charsets and transfer encodings that uploaders write there.
NO_CODING = frozenset({"", "identity", "aws-chunked", "none", "binary", "7bit", "8bit"})
NO_CODING |= {"utf-8", "utf8", "us-ascii", "iso-8859-1"}
# A store that also kept the chunk framing of such an upload serves bytes that are not the media.
AWS_CHUNK = re.compile(rb"[0-9a-fA-F]{1,8};chunk-signature=")


def download(
    request: MediaRequest,
    to: BinaryIO,
    *,
    provider: Provider,
    evidence: Evidence,
    on_progress: Callable[[], None],
    max_bytes: int | None = None,
) -> Body:
    """Write the media to the open file `to`, within the MEDIA_* limits, and describe it.

    `max_bytes` limits its size, by default to MEDIA_MAX_BYTES. `on_progress` is called before each
    request and after each packet; an exception that it raises ends the attempt. Raises the failure
    that the response means; `to` may then contain part of the body.
    """
    with Deadline(settings.MEDIA_TOTAL_TIMEOUT_S) as deadline:
        limit = settings.MEDIA_MAX_BYTES if max_bytes is None else max_bytes
        running = _Download(request, provider, evidence, on_progress, deadline, limit)
        raw = running.find()
        try:
            return running.save(raw, to)
        finally:
            # A body that was read to its end has returned its connection already.
            raw.close()


@dataclass(frozen=True, slots=True)
class _Download:
    """In the methods `raw` is the unread response of requests, and `response` what it says."""

    request: MediaRequest
    provider: Provider
    evidence: Evidence
    on_progress: Callable[[], None]
    deadline: Deadline
    max_bytes: int

    def find(self) -> requests.Response:
        """Return the 200 whose body is the media, or raise what the last response means."""
        url = self.request.url
        visited = [url]
        raw, response = self._request_origin()
        while (location := self._location(response)) is not None:
            url = target(url, location)
            self.evidence.redirect_host = host_of(url)
            if not self.request.may_redirect_to(url):
                raise RedirectRefused(f"to {host_of(url)}")
            if url in visited or len(visited) > MAX_REDIRECTS:
                raise RedirectRefused(f"{len(visited)} redirects, the last to {host_of(url)}")
            visited.append(url)
            raw, response = self._get(url)
        if response.status == 200:
            return raw
        self.evidence.error_code = self.provider.error_code(response)
        failure = self.provider.classify(response)
        raise failure or UnexpectedResponse(f"{host_of(url)}: {response.status}")

    def save(self, raw: requests.Response, to: BinaryIO) -> Body:
        """Write the body to `to` and describe it; raise if it is incomplete."""
        evidence = self.evidence
        evidence.declared_content_type = _text(raw.headers, "Content-Type", 255)
        if length := _announced_length(raw.headers):
            self._check_size(length)
        digest, head = hashlib.sha256(), b""
        for packet in self._packets(raw):
            digest.update(packet)
            head += packet[: HEAD_BYTES - len(head)]
            with storage_failures():
                to.write(packet)
            self.on_progress()
        with storage_failures():
            to.flush()
        if not head:
            raise BodyEmpty
        if AWS_CHUNK.match(head):
            raise WrongEncoding("The chunks of an upload to S3 are in the body.")
        declared, received = evidence.declared_size, evidence.bytes_received
        if declared is not None and declared != received:
            raise WrongSize(f"{received} bytes received, {declared} declared")
        return Body(received, digest.hexdigest(), head)

    def _request_origin(self) -> tuple[requests.Response, Response]:
        first, *others = self.request.credentials or (None,)
        raw, response = self._get(self.request.url, first)
        for credentials in others:
            if response.status != 401:
                break
            raw, response = self._get(self.request.url, credentials)
        return raw, response

    def _is_metadata(self, *, redirected: bool) -> bool:
        return self.request.link_in is not None and not redirected

    def _location(self, response: Response) -> str | None:
        """Return the target of a redirect or of the link in metadata; None for other responses."""
        link_in = self.request.link_in
        if link_in is None or response.redirected:
            return response.headers.get("location", "") if response.status in REDIRECTS else None
        if response.status != 200:
            return None
        link = link_in(response)
        if link is None:
            raise UnexpectedResponse("The metadata names no link to the media.")
        self.evidence.declared_size = link.size
        self._check_size(link.size or 0)
        return link.url

    def _get(
        self, url: str, credentials: Credentials | None = None
    ) -> tuple[requests.Response, Response]:
        self.on_progress()
        with network_failures(host_of(url), self.deadline):
            self.deadline.check()
        left_s = self.deadline.remaining_s
        connect_s = min(settings.MEDIA_CONNECT_TIMEOUT_S, left_s)
        read_s = min(settings.MEDIA_READ_TIMEOUT_S, left_s)
        # Reading headers does not renew the lease: without a deadline of their own, the headers of
        # a slow server would outlast it.
        headers_due = Deadline(min(connect_s + read_s, left_s))
        with headers_due, network_failures(host_of(url), headers_due):
            raw = session().get_once(url, basic(credentials), (connect_s, read_s))
        redirected = url != self.request.url
        self._record_evidence(raw, redirected=redirected)
        is_body = raw.status_code == 200 and not self._is_metadata(redirected=redirected)
        head = b"" if is_body else head_of(raw)
        return raw, Response(raw.status_code, _lowered(raw), head, redirected)

    def _record_evidence(self, raw: requests.Response, *, redirected: bool) -> None:
        evidence, headers = self.evidence, raw.headers
        evidence.http_status = raw.status_code
        # Metadata can exist before the media does.
        if 200 <= raw.status_code < 400 and not self._is_metadata(redirected=redirected):
            evidence.found_at = evidence.found_at or datetime.now(UTC)
        if redirected:
            return
        evidence.request_id = _text(headers, "Twilio-Request-Id", 64) or evidence.request_id
        evidence.home_region = _text(headers, "X-Home-Region", 32) or evidence.home_region
        evidence.clock_skew_s = clock_skew_s(headers.get("Date", ""))

    def _packets(self, raw: requests.Response) -> Iterator[bytes]:
        # read1() returns what has arrived; read() would wait for more without checking the time.
        host = host_of(raw.url)
        while True:
            with network_failures(host, self.deadline):
                packet: bytes = raw.raw.read1(PACKET_BYTES, decode_content=False)
                # A connection cut by the deadline looks like the end of a body without chunks.
                self.deadline.check()
            if not packet:
                return
            self.evidence.bytes_received += len(packet)
            self._check_size(self.evidence.bytes_received)
            self.deadline.extend_to(time_limit_s(self.evidence.bytes_received))
            yield packet

    def _check_size(self, size: int) -> None:
        if size > self.max_bytes:
            raise TooLarge(f"{size} bytes; the limit is {self.max_bytes}")


def basic(credentials: Credentials | None) -> HTTPBasicAuth | None:
    """Return the credentials as bytes, because requests would encode text as Latin-1."""
    if credentials is None:
        return None
    return HTTPBasicAuth(credentials.username.encode(), credentials.password.encode())


def head_of(raw: requests.Response, max_bytes: int = ERROR_BYTES) -> bytes:
    """Return up to `max_bytes` of the body, as far as they can be read, and close the response."""
    head = b""
    try:
        while packet := raw.raw.read1(max_bytes - len(head), decode_content=False):
            head += packet
    except NETWORK_ERRORS:
        return head
    finally:
        raw.close()
    return head


def read_response(raw: requests.Response, max_bytes: int = ERROR_BYTES) -> Response:
    """Return the response of one request with up to `max_bytes` of its body, and close it."""
    return Response(raw.status_code, _lowered(raw), head_of(raw, max_bytes), redirected=False)


def _lowered(raw: requests.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in raw.headers.items()}


def _announced_length(headers: Mapping[str, str]) -> int | None:
    """Return the Content-Length in bytes, None without one.

    Raises WrongEncoding or UnexpectedResponse for an encoding or framing that media never has:
    http.client accepts all of them, and would return wrong or endless bytes as the media.
    """
    # Repeated headers are joined by commas.
    codings = {each.strip().lower() for each in headers.get("Content-Encoding", "").split(",")}
    if not codings <= NO_CODING:
        raise WrongEncoding(f"Content-Encoding: {_text(headers, 'Content-Encoding', 100)}")
    length, transfer = headers.get("Content-Length"), headers.get("Transfer-Encoding")
    if transfer is not None and (length is not None or transfer.lower() != "chunked"):
        raise UnexpectedResponse("The length is announced in two ways, or in an unknown one.")
    if length is None:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", length.strip()):
        raise UnexpectedResponse("The Content-Length is not a number of bytes.")
    return int(length)


def _text(headers: Mapping[str, str], name: str, max_length: int) -> str:
    """Return a header that can be stored: printable, and cut to the length of its column."""
    return "".join(filter(str.isprintable, headers.get(name, "")))[:max_length]


def clock_skew_s(date: str) -> float | None:
    """Return by how many seconds a Date header is ahead of our clock; None if it is invalid."""
    try:
        theirs = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return (theirs.replace(tzinfo=theirs.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
