"""Bodies that hang, drip, end early, or are not what their headers say."""

import gzip
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests

from mediapipe.simulator import Simulator
from mediapipe.simulator.faults import (
    DripBody,
    EmptyBody,
    EndlessChunked,
    ErrorXml,
    Gzip,
    HangInBody,
    HtmlPage,
    Lengths,
    Truncated,
    TruncatedChunked,
)
from tests.support.simulator_requests import OWN, connect, get, raw_response, read_to_end


@pytest.fixture
def twilio() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


def test_a_hang_in_the_body_ends_with_the_rest_of_the_body_when_released(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[HangInBody(after_bytes=10)])
    with closing(requests.get(call.url, auth=OWN, stream=True, timeout=60)) as response:
        assert response.raw.read1(1000) == call.body[:10]
        call.release()
        assert response.raw.read() == call.body[10:]


def test_a_body_can_be_sent_slowly_byte_by_byte(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[DripBody(0.1)])
    began = time.monotonic()
    with closing(requests.get(call.url, auth=OWN, stream=True, timeout=60)) as response:
        assert response.raw.read(3) == call.body[:3]
        assert time.monotonic() - began > 0.3
        call.release()
        assert response.raw.read() == call.body[3:]


def test_a_truncated_body_is_shorter_than_its_content_length(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[Truncated(after_bytes=1000)])
    head, body = raw_response(call)
    assert b"Content-Length: 20000" in head
    assert body == call.body[:1000]


def test_a_client_detects_a_truncated_body(twilio: Simulator) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        get(twilio.add_recording(faults=[Truncated()]))


def test_a_truncated_chunked_body_lacks_its_final_chunk(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[TruncatedChunked(after_bytes=20)])
    head, body = raw_response(call)
    assert b"Transfer-Encoding: chunked" in head
    assert body == b"14\r\n" + call.body[:20] + b"\r\n"


def test_an_endless_body_ends_when_the_client_disconnects(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[EndlessChunked()])
    with closing(requests.get(call.url, auth=OWN, stream=True, timeout=60)) as response:
        assert len(response.raw.read(1_000_000)) == 1_000_000
    assert get(call).status_code == 200


@pytest.mark.parametrize(
    "values", [("20001",), ("19999",), ("9999999999999",), ("-1",), ("20000", "30000")]
)
def test_content_length_can_have_any_values(twilio: Simulator, values: tuple[str, ...]) -> None:
    call = twilio.add_recording(faults=[Lengths(values)])
    head, body = raw_response(call)
    lengths = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: ")]
    assert lengths == [b"Content-Length: " + value.encode() for value in values]
    assert body == call.body


def test_a_chunked_response_can_have_a_contradictory_content_length(twilio: Simulator) -> None:
    head, body = raw_response(twilio.add_recording(faults=[Lengths(("5",), chunked=True)]))
    assert b"Content-Length: 5\r\nTransfer-Encoding: chunked" in head
    assert body.endswith(b"\r\n0\r\n\r\n")


def test_a_body_may_be_empty(twilio: Simulator) -> None:
    response = get(twilio.add_recording(faults=[EmptyBody()]))
    assert (response.status_code, response.content) == (200, b"")


def test_a_successful_response_can_contain_an_html_page(twilio: Simulator) -> None:
    response = get(twilio.add_recording(faults=[HtmlPage()]))
    assert (response.status_code, response.text[:15]) == (200, "<!DOCTYPE html>")


def test_a_successful_response_can_contain_an_error_document(twilio: Simulator) -> None:
    response = get(twilio.add_recording(faults=[ErrorXml()]))
    assert response.status_code == 200
    assert "<RestException><Code>20404</Code>" in response.text


def test_a_body_can_be_compressed_although_the_client_did_not_ask_for_it(twilio: Simulator) -> None:
    call = twilio.add_recording(faults=[Gzip()])
    with closing(connect(call)) as connection:
        connection.shutdown(socket.SHUT_WR)
        head, _, body = read_to_end(connection).partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert gzip.decompress(body) == call.body
