"""The real web server while other clients hold their connections open."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import pytest

from mediapipe.operations import web_worker
from mediapipe.simulator import payloads
from tests.support.service import Service, running, wait_for_line
from tests.support.slow_clients import SlowClients, occupying

pytestmark = pytest.mark.services

# More than the socket buffers on both sides hold.
FILE_BYTES = 12_000_000
# Limit for the median on a busy machine; benchmarks.md has measurements of an idle one.
QUICK_S = 1.0


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("data")) as service:
        assert service.twilio.send(payloads.mms(1, size=FILE_BYTES)) == 200
        service.wait_until_settled(1)
        yield service


@pytest.fixture(scope="module")
def downloads(service: Service) -> list[bytes]:
    """Return requests for the stored file, and for all of it but its first byte."""
    token = service.manage("api_token", "make", "test").strip()
    request = urllib.request.Request(  # noqa: S310
        f"{service.url}/api/v1/media/1/link", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        link = urlsplit(json.load(answer)["url"]).path
    return [get(link), get(link, "Range: bytes=1-")]


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def port_of(service: Service) -> int:
    port = urlsplit(service.url).port
    assert port
    return port


def elapsed_s(service: Service) -> float:
    """Send a webhook and read /healthz; return how long both took together."""
    began = time.monotonic()
    assert service.twilio.send(payloads.sms()) == 200
    with urllib.request.urlopen(f"{service.url}/healthz", timeout=10) as answer:  # noqa: S310
        assert answer.status == 200
    return time.monotonic() - began


@pytest.mark.parametrize(
    "slow",
    [
        SlowClients(silent=100),
        SlowClients(headers=100),
        SlowClients(bodies=100),
        SlowClients(downloads=20),
        SlowClients(100, 100, 100, 20),
    ],
    ids=str,
)
def test_slow_clients_do_not_delay_webhooks(
    service: Service, downloads: list[bytes], slow: SlowClients
) -> None:
    with occupying(port_of(service), slow, *downloads):
        assert median(elapsed_s(service) for _ in range(15)) < QUICK_S


def received(connection: socket.socket) -> bytes:
    connection.settimeout(60)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    parts = bytearray()
    while part := connection.recv(1 << 20):
        parts += part
    return bytes(parts).partition(b"\r\n\r\n")[2]


def test_a_slow_download_is_received_completely(service: Service, downloads: list[bytes]) -> None:
    (line,) = [line for line in service.export() if line["size"]]
    stored = service.stored_bytes(line)
    for request, expected in zip(downloads, (stored, stored[1:]), strict=True):
        closing = request.replace(b"Host:", b"Connection: close\r\nHost:")
        with occupying(port_of(service), SlowClients(downloads=1), closing) as (client,):
            time.sleep(0.2)
            rest = received(client)
        assert expected.endswith(rest[-len(expected) :])
        assert len(rest) >= len(expected) - 100


def healthy(connection: socket.socket) -> bool:
    """Read a response of /healthz; return whether its status is 200."""
    response = b""
    while not response.endswith(b"\r\n\r\nok\n") and (part := connection.recv(65536)):
        response += part
    return response.startswith(b"HTTP/1.1 200 OK")


def test_a_server_that_stops_completes_every_request_in_progress(tmp_path: Path) -> None:
    with ExitStack() as stack, running(tmp_path) as service:
        request = get("/healthz")
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port_of(service)), 30))
            for _ in range(8)
        ]
        for client in clients:
            # Once a first request has its response, the server has accepted the connection.
            client.sendall(request)
            assert healthy(client)
        for client in clients:
            client.sendall(request[:-2])
        web = service.supervisor.running["web"]
        web.send_signal(signal.SIGTERM)
        wait_for_line(tmp_path / "logs" / "web.log", "Handling signal: term")
        for client in clients:
            client.sendall(request[-2:])
        assert all(map(healthy, clients))
        assert web.wait(service.supervisor.programs["web"].grace_s) == 0


def children_of(pid: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_process_that_dies_is_replaced(service: Service) -> None:
    web = service.supervisor.running["web"].pid
    before = children_of(web)
    os.kill(before[0], signal.SIGKILL)
    deadline = time.monotonic() + 60
    while len(now := children_of(web)) < len(before) or now == before:
        assert time.monotonic() < deadline, "it was not replaced"
        time.sleep(0.1)
    assert service.twilio.send(payloads.sms()) == 200


def test_a_silent_connection_is_closed(service: Service) -> None:
    begun = get("/healthz")[:-2]
    with socket.create_connection(("127.0.0.1", port_of(service))) as client:
        client.sendall(begun)
        client.settimeout(web_worker.IDLE_TIMEOUT_S + 30)
        began = time.monotonic()
        assert client.recv(100) == b""
        assert time.monotonic() - began > web_worker.IDLE_TIMEOUT_S / 2
