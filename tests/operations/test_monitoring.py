"""Who may read /metrics and /readyz from the real web server, over sockets."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from django.core.exceptions import ImproperlyConfigured

from mediapipe.operations import programs
from mediapipe.operations.supervisor import Supervisor
from mediapipe.settings.web import monitoring_token
from tests.support import make
from tests.support.commands import manage
from tests.support.configuration import CANARY, env
from tests.support.servers import free_port, wait_for_port

TOKEN = "0123456789abcdef" * 4
GUARDED = ["/metrics", "/readyz"]
# Headers by which clients have spoofed the path, the user or the proxy at other servers.
CLIENT_HEADERS = [
    f"{name}: {value}"
    for value in ("/x", "/metrics", "admin")
    for name in (
        "SCRIPT_NAME",
        "Script-Name",
        "X-Script-Name",
        "X-Forwarded-Prefix",
        "PATH_INFO",
        "Path-Info",
        "REMOTE_USER",
        "Remote-User",
        "X-Remote-User",
        "X-Original-URL",
        "X-Rewrite-URL",
        "REQUEST_URI",
        "SCRIPT_URL",
        "REDIRECT_URL",
        "wsgi.url_scheme",
    )
]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run the web server with a token, and return its port."""
    data_dir, port = tmp_path_factory.mktemp("data"), free_port()
    settings = {
        "TWILIO_ACCOUNT_SID": make.ACCOUNT,
        "TWILIO_AUTH_TOKEN": "12345",
        "DATA_DIR": str(data_dir),
        "CELERY_BROKER_URL": "amqp://127.0.0.1:1//",
        "MONITORING_TOKEN": TOKEN,
    }
    manage("migrate", "-v0", data_dir=data_dir, **settings)
    web = programs.web(f"127.0.0.1:{port}")
    with Supervisor([web], env={**os.environ, **settings}, log_dir=data_dir / "logs"):
        wait_for_port(port, timeout_s=60)
        yield port


def status(port: int, path: str, *headers: str) -> int:
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall("\r\n".join(lines).encode())
        with client.makefile("rb") as response:
            return int(response.read()[9:12])


@pytest.mark.services
@pytest.mark.parametrize("path", GUARDED)
def test_monitoring_needs_the_token(port: int, path: str) -> None:
    assert status(port, path, f"Authorization: Bearer {TOKEN}") == 200
    for header in ("X-A: b", "Authorization: Bearer x", f"Authorization: Basic {TOKEN}"):
        assert status(port, path, header) == 401


@pytest.mark.services
def test_a_liveness_probe_needs_no_token(port: int) -> None:
    assert status(port, "/healthz") == 200


@pytest.mark.services
def test_no_header_of_a_client_changes_the_path_or_grants_access(port: int) -> None:
    expected = {"/x/metrics": 404, "/x/readyz": 404, "/metrics": 401, "/healthz": 200}
    expected["/admin/"] = 302
    for header in CLIENT_HEADERS:
        assert {path: status(port, path, header) for path in expected} == expected, header


def test_a_weak_or_malformed_monitoring_token_is_refused_without_showing_it() -> None:
    for value in (CANARY, f"{TOKEN} {TOKEN}", "\u00e9" * 40):
        with pytest.raises(ImproperlyConfigured, match="openssl rand") as raised:
            monitoring_token(env(MONITORING_TOKEN=value), "MONITORING_TOKEN")
        assert value not in str(raised.value)


def test_without_the_setting_the_monitoring_token_is_empty() -> None:
    assert monitoring_token(env(), "MONITORING_TOKEN") == ""
