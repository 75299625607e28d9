import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict

import pytest
import requests

from mediapipe.simulator import Simulator
from mediapipe.simulator.faults import (
    DripHeaders,
    Fault,
    Hang,
    HangInHeaders,
    Hops,
    Lengths,
    RawAnswer,
    RedirectLoop,
    RedirectTo,
    Reset,
    Status,
    fault_from_json,
)
from mediapipe.simulator.origin import STOP_TIMEOUT_S
from mediapipe.simulator.script import MediaScript
from tests.support.simulator_requests import OWN, connect, get, raw_response, read_to_end


@pytest.fixture
def twilio() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


def test_each_fault_applies_to_one_request_in_order(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[Status(503), Status(404)])
    assert [get(call).status_code for _ in range(4)] == [503, 404, 200, 200]
    assert [entry.fault for entry in twilio.log.of(call.sid)] == ["Status", "Status", "", ""]


def test_a_permanent_fault_applies_to_every_later_request(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[Status(500), Status(404, forever=True)])
    assert [get(call).status_code for _ in range(4)] == [500, 404, 404, 404]


def test_a_fault_at_the_cdn_does_not_affect_the_api(twilio: Simulator) -> None:
    photo = twilio.add_message_media(faults=[Status(404, at="cdn")])
    for _ in range(2):
        requests.get(get(photo).headers["Location"], timeout=60)
    assert twilio.log.statuses_of(photo.sid, "api") == [307, 307]
    assert twilio.log.statuses_of(photo.sid, "cdn") == [404, 200]


def test_a_request_without_credentials_does_not_use_up_a_fault(twilio: Simulator) -> None:
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


def test_a_hang_with_a_duration_ends_after_that_time(twilio: Simulator) -> None:
    response = get(twilio.add_recording(faults=[Hang(0.1)]))
    assert response.elapsed.total_seconds() > 0.1
    assert response.status_code == 200


def test_stopping_the_simulator_ends_a_hang_at_once() -> None:
    with Simulator() as twilio:
        call = twilio.add_recording(faults=[Hang()])
        connection = connect(call)
        twilio.log.wait_for(call.sid)
        started_s = time.monotonic()
    assert time.monotonic() - started_s < STOP_TIMEOUT_S / 2
    connection.close()


def test_a_hang_in_the_headers_sends_half_a_header_until_released(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[HangInHeaders()])
    with closing(connect(call)) as connection:
        assert connection.recv(100) == b"HTTP/1.1 200 OK\r\nContent-Ty"
        call.release()
        head, _, body = read_to_end(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"pe: audio/x-wav\r\n")
    assert body == call.body


def test_headers_can_be_sent_endlessly_byte_by_byte(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[DripHeaders(0.01)])
    with closing(connect(call)) as connection:
        received = b"".join(connection.recv(1) for _ in range(40))
    assert received == b"HTTP/1.1 200 OK\r\nX-Slow: ".ljust(40, b"x")


def test_a_connection_can_be_reset_before_any_response(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[Reset()])
    with closing(connect(call)) as connection, pytest.raises(ConnectionResetError):
        connection.recv(1)
    assert twilio.log.statuses_of(call.sid) == [None]


@pytest.mark.parametrize(("when", "received"), [("headers", 0), ("body", 1000)])
def test_a_connection_can_be_reset_after_the_headers_or_within_the_body(
    twilio: Simulator, when: str, received: int
) -> None:
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
def test_a_redirect_can_have_any_location(twilio: Simulator, place: str) -> None:
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


def test_a_redirect_loop_at_the_cdn_exceeds_the_redirect_limit_of_the_client(
    twilio: Simulator,
) -> None:
    photo = twilio.add_message_media(faults=[RedirectLoop(at="cdn")])
    with pytest.raises(requests.TooManyRedirects):
        requests.get(photo.url, auth=OWN, timeout=60)
    assert len(twilio.log.of(photo.sid, "cdn")) == 30


def test_a_chain_of_redirects_ends_with_the_bytes(twilio: Simulator) -> None:
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
def test_a_fault_survives_conversion_to_json_and_back(fault: Fault) -> None:
    assert fault_from_json({"fault": type(fault).__name__} | asdict(fault)) == fault


def test_a_client_that_disconnects_causes_no_error(
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
