import base64
import gzip
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from urllib.parse import urlsplit

import pytest
import requests

from mediapipe.simulator import Simulator
from mediapipe.simulator.faults import (
    DripBody,
    DripHeaders,
    EmptyBody,
    EndlessChunked,
    ErrorXml,
    Fault,
    Gzip,
    Hang,
    HangInBody,
    HangInHeaders,
    Hops,
    HtmlPage,
    Lengths,
    RawAnswer,
    RedirectLoop,
    RedirectTo,
    Reset,
    Status,
    Truncated,
    TruncatedChunked,
    fault_from_json,
)
from mediapipe.simulator.origin import STOP_TIMEOUT_S
from mediapipe.simulator.script import ACCOUNT_SID, AUTH_TOKEN, MediaScript

OWN = (ACCOUNT_SID, AUTH_TOKEN)


@pytest.fixture
def twilio() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


def get(script: MediaScript, timeout_s: float = 5.0) -> requests.Response:
    return requests.get(script.url, auth=OWN, allow_redirects=False, timeout=timeout_s)


def connect(script: MediaScript) -> socket.socket:
    """Send an authorised GET and return the socket, from which the response can be read."""
    address = urlsplit(script.url)
    credentials = base64.b64encode(":".join(OWN).encode()).decode()
    connection = socket.create_connection((address.hostname or "", address.port or 0), timeout=60)
    connection.sendall(
        f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Authorization: Basic {credentials}\r\n\r\n".encode()
    )
    return connection


def read_to_end(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def raw_response(script: MediaScript) -> tuple[bytes, bytes]:
    """Return the raw head and body of a response that ends with its connection."""
    with closing(connect(script)) as connection:
        head, _, body = read_to_end(connection).partition(b"\r\n\r\n")
    return head, body


def test_faults_are_played_once_per_request_and_then_no_more(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[Status(503), Status(404)])
    assert [get(call).status_code for _ in range(4)] == [503, 404, 200, 200]
    assert [entry.fault for entry in twilio.log.of(call.sid)] == ["Status", "Status", "", ""]


def test_a_permanent_fault_is_played_every_time(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[Status(500), Status(404, forever=True)])
    assert [get(call).status_code for _ in range(4)] == [500, 404, 404, 404]


def test_faults_at_the_cdn_leave_the_api_alone(twilio: Simulator) -> None:
    photo = twilio.add_message_media(faults=[Status(404, at="cdn")])
    for _ in range(2):
        requests.get(get(photo).headers["Location"], timeout=60)
    assert twilio.log.statuses_of(photo.sid, "api") == [307, 307]
    assert twilio.log.statuses_of(photo.sid, "cdn") == [404, 200]


def test_without_credentials_no_fault_is_used_up(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[Status(503)])
    assert requests.get(call.url, timeout=60).status_code == 401
    assert get(call).status_code == 503


@pytest.mark.parametrize("code", [204, 304, 400, 401, 403, 408, 410, 425, 429, 500, 502, 520])
def test_any_status_can_be_sent(twilio: Simulator, code: int) -> None:
    assert get(twilio.add_recording(faults=[Status(code)])).status_code == code


def test_an_error_status_has_twilios_error_document(twilio: Simulator) -> None:
    response = get(twilio.add_recording(faults=[Status(429)]))
    assert "<Code>20429</Code>" in response.text


@pytest.mark.parametrize("value", ["5", "999999999999", "Wed, 21 Oct 2015 07:28:00 GMT", "soon"])
def test_retry_after_is_sent_as_given(twilio: Simulator, value: str) -> None:
    response = get(twilio.add_recording(faults=[Status(429, retry_after=value)]))
    assert response.headers["Retry-After"] == value


def test_a_hang_sends_nothing_until_released(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[Hang()])
    with closing(connect(call)) as connection:
        (entry,) = twilio.log.wait_for(call.sid)
        assert entry.status is None
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        call.release()
        connection.settimeout(5)
        assert connection.recv(15) == b"HTTP/1.1 200 OK"


def test_a_hang_may_end_after_its_time(twilio: Simulator) -> None:
    response = get(twilio.add_recording(faults=[Hang(0.1)]))
    assert response.elapsed.total_seconds() > 0.1
    assert response.status_code == 200


def test_a_stop_ends_every_hang_at_once() -> None:
    with Simulator() as twilio:
        call = twilio.add_recording(faults=[Hang()])
        connection = connect(call)
        twilio.log.wait_for(call.sid)
        started_s = time.monotonic()
    assert time.monotonic() - started_s < STOP_TIMEOUT_S / 2
    connection.close()


def test_a_hang_within_the_headers_leaves_half_a_header(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[HangInHeaders()])
    with closing(connect(call)) as connection:
        assert connection.recv(100) == b"HTTP/1.1 200 OK\r\nContent-Ty"
        call.release()
        head, _, body = read_to_end(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"pe: audio/x-wav\r\n")
    assert body == call.body


def test_headers_may_drip_endlessly(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[DripHeaders(0.01)])
    with closing(connect(call)) as connection:
        received = b"".join(connection.recv(1) for _ in range(40))
    assert received == b"HTTP/1.1 200 OK\r\nX-Slow: ".ljust(40, b"x")


def test_a_hang_within_the_body_sends_the_rest_later(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[HangInBody(after_bytes=10)])
    with closing(requests.get(call.url, auth=OWN, stream=True, timeout=60)) as response:
        assert response.raw.read1(1000) == call.body[:10]
        call.release()
        assert response.raw.read() == call.body[10:]


def test_a_body_may_drip_byte_by_byte(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[DripBody(0.05)])
    with closing(requests.get(call.url, auth=OWN, stream=True, timeout=60)) as response:
        assert [len(response.raw.read1(1000)) for _ in range(3)] == [1, 1, 1]
        call.release()
        assert response.raw.read() == call.body[3:]


def test_a_truncated_body_ends_cleanly_but_early(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[Truncated(after_bytes=1000)])
    head, body = raw_response(call)
    assert b"Content-Length: 20000" in head
    assert body == call.body[:1000]


def test_a_client_notices_the_truncation(twilio: Simulator) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        get(twilio.add_recording(faults=[Truncated()]))


def test_a_truncated_chunked_body_lacks_its_final_chunk(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[TruncatedChunked(after_bytes=20)])
    head, body = raw_response(call)
    assert b"Transfer-Encoding: chunked" in head
    assert body == b"14\r\n" + call.body[:20] + b"\r\n"


def test_an_endless_body_ends_when_the_client_goes(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[EndlessChunked()])
    with closing(requests.get(call.url, auth=OWN, stream=True, timeout=60)) as response:
        assert len(response.raw.read(1_000_000)) == 1_000_000
    assert get(call).status_code == 200


@pytest.mark.parametrize(
    "values", [("20001",), ("19999",), ("9999999999999",), ("-1",), ("20000", "30000")]
)
def test_content_length_can_have_any_value(twilio: Simulator, values: tuple[str, ...]) -> None:
    call = twilio.add_recording(faults=[Lengths(values)])
    head, body = raw_response(call)
    lengths = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: ")]
    assert lengths == [b"Content-Length: " + value.encode() for value in values]
    assert body == call.body


def test_a_length_may_contradict_the_chunks(twilio: Simulator) -> None:
    head, body = raw_response(twilio.add_recording(faults=[Lengths(("5",), chunked=True)]))
    assert b"Content-Length: 5\r\nTransfer-Encoding: chunked" in head
    assert body.endswith(b"\r\n0\r\n\r\n")


def test_a_body_may_be_empty(twilio: Simulator) -> None:
    response = get(twilio.add_recording(faults=[EmptyBody()]))
    assert (response.status_code, response.content) == (200, b"")


def test_a_login_page_may_come_as_a_success(twilio: Simulator) -> None:
    response = get(twilio.add_recording(faults=[HtmlPage()]))
    assert (response.status_code, response.text[:15]) == (200, "<!DOCTYPE html>")


def test_an_error_document_may_come_as_a_success(twilio: Simulator) -> None:
    response = get(twilio.add_recording(faults=[ErrorXml()]))
    assert response.status_code == 200
    assert "<RestException><Code>20404</Code>" in response.text


def test_a_body_may_be_compressed_against_the_request_headers(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[Gzip()])
    with closing(connect(call)) as connection:
        connection.shutdown(socket.SHUT_WR)
        head, _, body = read_to_end(connection).partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert gzip.decompress(body) == call.body


def test_a_reset_may_come_instead_of_a_response(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[Reset()])
    with closing(connect(call)) as connection, pytest.raises(ConnectionResetError):
        connection.recv(1)
    assert twilio.log.statuses_of(call.sid) == [None]


@pytest.mark.parametrize(("when", "received"), [("headers", 0), ("body", 1000)])
def test_a_reset_may_come_later(twilio: Simulator, when: str, received: int) -> None:
    fault = fault_from_json({"fault": "Reset", "when": when})
    data = b""
    connection = connect(twilio.add_recording(faults=[fault]))
    with closing(connection), pytest.raises(ConnectionResetError):
        while block := connection.recv(65536):
            data += block
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert len(body) == received


@pytest.mark.parametrize(
    "place", ["http://169.254.169.254/", "file:///etc/passwd", "http://[::1", "/relative", ""]
)
def test_a_redirect_may_lead_anywhere(twilio: Simulator, place: str) -> None:
    head, _ = redirect_head(twilio.add_message_media(faults=[RedirectTo(place, status=302)]))
    assert head.startswith(b"HTTP/1.1 302 ")
    assert f"\r\nLocation: {place}".encode() in head


def test_a_redirect_may_lack_its_location(twilio: Simulator) -> None:
    head, _ = redirect_head(twilio.add_message_media(faults=[RedirectTo(None)]))
    assert head.startswith(b"HTTP/1.1 307 ")
    assert b"Location" not in head


def redirect_head(script: MediaScript) -> tuple[bytes, bytes]:
    with closing(connect(script)) as connection:
        connection.shutdown(socket.SHUT_WR)
        head, _, body = read_to_end(connection).partition(b"\r\n\r\n")
    return head, body


def test_a_loop_at_the_cdn_never_ends(twilio: Simulator) -> None:
    photo = twilio.add_message_media(faults=[RedirectLoop(at="cdn")])
    with pytest.raises(requests.TooManyRedirects):
        requests.get(photo.url, auth=OWN, timeout=60)
    assert len(twilio.log.of(photo.sid, "cdn")) == 30


def test_many_hops_lead_to_the_bytes_in_the_end(twilio: Simulator) -> None:
    photo = twilio.add_message_media(faults=[Hops(6)])
    response = requests.get(photo.url, auth=OWN, timeout=60)
    assert response.content == photo.body
    assert len(response.history) == 6


def test_any_bytes_can_be_sent(twilio: Simulator) -> None:
    text = "HTTP/1.1 200 OK\r\n" + "X-Many: y\r\n" * 200 + "\r\n\xff"
    head, body = raw_response(twilio.add_recording(faults=[RawAnswer(text)]))
    assert head.count(b"X-Many: y") == 200
    assert body == b"\xff"


@pytest.mark.parametrize(
    "fault", [Status(429, retry_after="5", at="cdn"), Lengths(("1", "2")), RedirectLoop(), Hang()]
)
def test_a_fault_travels_as_json(fault: Fault) -> None:
    assert fault_from_json({"fault": type(fault).__name__} | asdict(fault)) == fault


def test_a_client_that_disconnects_does_no_harm(
    twilio: Simulator, capfd: pytest.CaptureFixture[str]
) -> None:
    call = twilio.add_recording(size=5_000_000)
    connection = connect(call)
    linger = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.recv(1)
    connection.close()
    assert get(call).content == call.body
    assert capfd.readouterr().err == ""
