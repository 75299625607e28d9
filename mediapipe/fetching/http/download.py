"""One attempt to get one media item: credentials, redirects, bounds, and the evidence of it."""

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
from mediapipe.providers.base import Body, Credentials, Evidence, MediaRequest, Provider, Response
from mediapipe.redaction import host_of

REDIRECTS = (301, 302, 303, 307, 308)
MAX_REDIRECTS = 5
# Each packet is a round through Python, so this is as much as a socket may have to give.
PACKET_BYTES = 512 * 1024
HEAD_BYTES = 4096
ERROR_BYTES = 16384


def download(
    request: MediaRequest,
    to: BinaryIO,
    *,
    provider: Provider,
    evidence: Evidence,
    on_progress: Callable[[], None],
) -> Body:
    """Write the media to the open file `to`, within the MEDIA_* bounds, and say what it was.

    `on_progress` is called before each request and after each packet; what it raises ends the
    attempt. Raises the failure that the answer means; `to` may then hold a part of the body.
    """
    with Deadline(settings.MEDIA_TOTAL_TIMEOUT_S) as deadline:
        attempt = _Attempt(request, provider, evidence, on_progress, deadline)
        response = attempt.find()
        try:
            return attempt.save(response, to)
        finally:
            # A body that was read to its end has given its connection back already.
            response.close()


@dataclass(frozen=True, slots=True)
class _Attempt:
    request: MediaRequest
    provider: Provider
    evidence: Evidence
    on_progress: Callable[[], None]
    deadline: Deadline

    def find(self) -> requests.Response:
        """Return the 200 whose body is the media, unread, or raise what the answer means."""
        url = self.request.url
        visited = [url]
        response, answer = self._ask_origin()
        while self._leads_on(answer):
            url = self._next_url(url, answer)
            if url in visited or len(visited) > MAX_REDIRECTS:
                raise RedirectRefused(f"{len(visited)} redirects, the last to {host_of(url)}")
            visited.append(url)
            response, answer = self._get(url)
        if answer.status == 200:
            return response
        self.evidence.error_code = self.provider.error_code(answer)
        raise self.provider.classify(answer) or UnexpectedResponse(
            f"{host_of(url)}: {answer.status}"
        )

    def save(self, response: requests.Response, to: BinaryIO) -> Body:
        """Write the body to `to` and return what it was; raise if it is not all there."""
        self.evidence.declared_content_type = _text(response.headers, "Content-Type", 255)
        _check_framing(response.headers)
        digest, head = hashlib.sha256(), b""
        for packet in self._packets(response):
            digest.update(packet)
            head += packet[: HEAD_BYTES - len(head)]
            with storage_failures():
                to.write(packet)
            self.on_progress()
        with storage_failures():
            to.flush()
        if not head:
            raise BodyEmpty
        _check_declared(self.evidence)
        return Body(self.evidence.bytes_received, digest.hexdigest(), head)

    def _ask_origin(self) -> tuple[requests.Response, Response]:
        first, *others = self.request.credentials or (None,)
        response, answer = self._get(self.request.url, first)
        for credentials in others:
            if answer.status != 401:
                break
            response, answer = self._get(self.request.url, credentials)
        return response, answer

    def _is_metadata(self, *, redirected: bool) -> bool:
        return self.request.link_in is not None and not redirected

    def _leads_on(self, answer: Response) -> bool:
        """Tell whether the answer is not the last word, but says where to ask."""
        if self._is_metadata(redirected=answer.redirected):
            return answer.status == 200
        return answer.status in REDIRECTS

    def _next_url(self, url: str, answer: Response) -> str:
        url = target(url, self._location(answer))
        self.evidence.redirect_host = host_of(url)
        if not self.request.may_redirect_to(url):
            raise RedirectRefused(f"to {host_of(url)}")
        return url

    def _location(self, answer: Response) -> str:
        if self.request.link_in is None or answer.redirected:
            return answer.headers.get("location", "")
        link = self.request.link_in(answer)
        if link is None:
            raise UnexpectedResponse("The metadata names no link to the media.")
        self.evidence.declared_size = link.size
        _check_size(link.size or 0)
        return link.url

    def _get(
        self, url: str, credentials: Credentials | None = None
    ) -> tuple[requests.Response, Response]:
        self.on_progress()
        self.deadline.check()
        left_s = self.deadline.remaining_s
        connect_s = min(settings.MEDIA_CONNECT_TIMEOUT_S, left_s)
        read_s = min(settings.MEDIA_READ_TIMEOUT_S, left_s)
        # Headers that drip are no progress: without a bound of their own they outlast the lease.
        soon = Deadline(min(connect_s + read_s, left_s))
        with soon, network_failures(host_of(url), soon):
            response = session().get(
                url,
                auth=basic(credentials),
                timeout=(connect_s, read_s),
                stream=True,
                allow_redirects=False,
            )
        redirected = url != self.request.url
        self._note(response, redirected=redirected)
        is_body = response.status_code == 200 and not self._is_metadata(redirected=redirected)
        head = b"" if is_body else head_of(response)
        return response, Response(response.status_code, _lowered(response), head, redirected)

    def _note(self, response: requests.Response, *, redirected: bool) -> None:
        evidence, headers = self.evidence, response.headers
        evidence.http_status = response.status_code
        # Metadata may be there before the bytes are.
        if 200 <= response.status_code < 400 and not self._is_metadata(redirected=redirected):
            evidence.found_at = evidence.found_at or datetime.now(UTC)
        if redirected:
            return
        evidence.request_id = _text(headers, "Twilio-Request-Id", 64) or evidence.request_id
        evidence.home_region = _text(headers, "X-Home-Region", 32) or evidence.home_region
        evidence.clock_skew_s = clock_skew_s(headers.get("Date", ""))

    def _packets(self, response: requests.Response) -> Iterator[bytes]:
        """Yield the body as it arrives: a larger read would wait without looking at the time."""
        host = host_of(response.url)
        while True:
            with network_failures(host, self.deadline):
                packet: bytes = response.raw.read1(PACKET_BYTES, decode_content=False)
            # The deadline ends the connection, and with it a body of unknown length, in silence.
            self.deadline.check()
            if not packet:
                return
            self.evidence.bytes_received += len(packet)
            _check_size(self.evidence.bytes_received)
            yield packet


def basic(credentials: Credentials | None) -> HTTPBasicAuth | None:
    """Return the credentials as requests takes them, in any characters."""
    if credentials is None:
        return None
    return HTTPBasicAuth(credentials.username.encode(), credentials.password.encode())


def head_of(response: requests.Response, max_bytes: int = ERROR_BYTES) -> bytes:
    """Return the beginning of a document, or what there is of it, and close the answer."""
    head = b""
    try:
        while packet := response.raw.read1(max_bytes - len(head), decode_content=False):
            head += packet
    except NETWORK_ERRORS:
        return head
    finally:
        response.close()
    return head


def read_response(response: requests.Response, max_bytes: int = ERROR_BYTES) -> Response:
    """Return the answer of one request, read as far as head_of() reads it, and close it."""
    head = head_of(response, max_bytes)
    return Response(response.status_code, _lowered(response), head, redirected=False)


def _lowered(response: requests.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _check_framing(headers: Mapping[str, str]) -> None:
    """Raise for a length or an encoding that no media answer has.

    http.client takes all of these, and would hand on wrong or unending bytes as the media.
    """
    encoding = headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity":
        raise WrongEncoding
    length, transfer = headers.get("Content-Length"), headers.get("Transfer-Encoding")
    if transfer is not None and (length is not None or transfer.lower() != "chunked"):
        raise UnexpectedResponse("The length is announced in two ways, or in an unknown one.")
    if length is None:
        return
    if not re.fullmatch(r"[0-9]{1,18}", length.strip()):
        raise UnexpectedResponse("The Content-Length is not a number of bytes.")
    _check_size(int(length))


def _check_declared(evidence: Evidence) -> None:
    declared, came = evidence.declared_size, evidence.bytes_received
    if declared is not None and declared != came:
        raise WrongSize(f"{came} bytes came, {declared} were declared")


def _check_size(size: int) -> None:
    if size > settings.MEDIA_MAX_BYTES:
        raise TooLarge(f"{size} bytes, allowed are {settings.MEDIA_MAX_BYTES}")


def _text(headers: Mapping[str, str], name: str, max_length: int) -> str:
    """Return a header that is fit for a column: printable, and cut to its length."""
    return "".join(filter(str.isprintable, headers.get(name, "")))[:max_length]


def clock_skew_s(date: str) -> float | None:
    """Return by how many seconds a Date header is ahead of our clock; None if it is unreadable."""
    try:
        theirs = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return (theirs.replace(tzinfo=theirs.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
