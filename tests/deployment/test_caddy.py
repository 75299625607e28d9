"""docker/Caddyfile, with Debian's Caddy in front of the real web server."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from mediapipe.operations import programs
from mediapipe.operations.supervisor import Supervisor
from mediapipe.settings import WEBHOOK_MAX_BYTES
from mediapipe.simulator import payloads
from mediapipe.simulator.webhooks import PATHS, sign
from tests.support import make
from tests.support.commands import ROOT, environment, manage
from tests.support.servers import free_port, missing

pytestmark = pytest.mark.services

CADDYFILE = (ROOT / "docker" / "Caddyfile").read_text()
LARGEST = b"a" * WEBHOOK_MAX_BYTES
MESSAGING = PATHS["messaging"]
NO_HEADERS: Mapping[str, str] = {}
# A list is sent as chunks.
Body = bytes | list[bytes]
# For tests only: do not install the root certificate on this machine, do not use port 80.
FOR_TESTS = "\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n"


@dataclass(frozen=True)
class Site:
    """Caddy at https://localhost:port, in front of web at `bind`, with the data folder of both."""

    port: int
    bind: str
    folder: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def connect(self) -> ssl.SSLSocket:
        """Return a TLS connection that trusts only Caddy's own authority."""
        authority = self.folder / "caddy/pki/authorities/local/root.crt"
        context = ssl.create_default_context(cafile=str(authority))
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        return context.wrap_socket(connection, server_hostname="localhost")

    def request(
        self, method: str, path: str, body: Body = b"", headers: Mapping[str, str] = NO_HEADERS
    ) -> tuple[int, str]:
        """Send a request; return the status and the body of the response."""
        connection = http.client.HTTPSConnection("localhost", timeout=60)
        connection.sock = self.connect()
        with closing(connection):
            named = {"Host": f"localhost:{self.port}", **headers}
            connection.request(method, path, body, named)
            response = connection.getresponse()
            return response.status, response.read().decode(errors="replace")

    def send_webhook(self, headers: Mapping[str, str] = NO_HEADERS) -> int:
        """Send a webhook signed for the public URL; return the status."""
        webhook = payloads.mms(1, account_sid=make.ACCOUNT)
        signed = sign(webhook, self.url + MESSAGING, make.TOKEN, method="POST", signature="right")
        return self.request("POST", MESSAGING, signed.body.encode(), {**signed.headers, **headers})[
            0
        ]


def caddy() -> str:
    program = shutil.which("caddy")
    if not program:
        missing("caddy is not installed")
    return str(program)


@contextmanager
def running(site: Site, text: str = CADDYFILE) -> Iterator[Path]:
    """Run Caddy with this Caddyfile until the block ends; yield the path of its log."""
    configuration = site.folder / "Caddyfile"
    configuration.write_text(text.replace("\tadmin off\n", FOR_TESTS))
    assert FOR_TESTS in configuration.read_text()
    log = site.folder / "caddy.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [caddy(), "run", "--config", str(configuration)],
            env={
                "HOME": str(site.folder),
                "XDG_DATA_HOME": str(site.folder),
                "XDG_CONFIG_HOME": str(site.folder),
                "PUBLIC_BASE_URL": site.url,
                "WEB": site.bind,
            },
            stdout=output,
            stderr=output,
        )
    try:
        wait_for_certificate(site, process)
        yield log
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def wait_for_certificate(site: Site, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, (site.folder / "caddy.log").read_text()
        try:
            site.connect().close()
        except OSError:
            assert time.monotonic() < deadline, (site.folder / "caddy.log").read_text()
            time.sleep(0.1)
        else:
            return


def wait_for_web(site: Site) -> None:
    deadline = time.monotonic() + 60
    while site.request("GET", "/healthz")[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def web(site: Site) -> Supervisor:
    """Return a supervisor that runs the web server for the site's public URL."""
    env = environment(site.folder, PUBLIC_BASE_URL=site.url)
    return Supervisor([programs.web(site.bind)], env=env, log_dir=site.folder / "logs")


def caddyfile_with_short_timeouts() -> str:
    """Return the Caddyfile with shorter timeouts for slow clients."""
    text, changes = re.subn(r"(read_header|read_body) \d\ds", r"\1 3s", CADDYFILE)
    assert changes == 2
    return text


def new_site(folder: Path) -> Site:
    return Site(free_port(), f"127.0.0.1:{free_port()}", folder)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    caddy()
    site = new_site(tmp_path_factory.mktemp("data"))
    assert manage("migrate", "--verbosity=0", data_dir=site.folder).returncode == 0
    with web(site), running(site, caddyfile_with_short_timeouts()):
        wait_for_web(site)
        yield site


def test_caddy_accepts_the_caddyfile() -> None:
    # Several origins are separated by a comma and a space.
    env = {
        "PATH": os.environ["PATH"],
        "PUBLIC_BASE_URL": "https://new.example, https://old.example",
    }
    command = [caddy(), "adapt", "--validate", "--adapter", "caddyfile", "--config"]
    done = subprocess.run(
        [*command, "docker/Caddyfile"], cwd=ROOT, env=env, capture_output=True, check=True
    )
    (server,) = json.loads(done.stdout)["apps"]["http"]["servers"].values()
    assert server["routes"][0]["match"] == [{"host": ["new.example", "old.example"]}]
    assert f'"max_size":{WEBHOOK_MAX_BYTES}}}' in done.stdout.decode()
    assert f"> {WEBHOOK_MAX_BYTES}`" in CADDYFILE


def test_a_webhook_that_is_signed_for_the_public_url_is_accepted(site: Site) -> None:
    assert site.send_webhook() == 200


def test_a_client_cannot_forge_the_forwarded_headers(site: Site) -> None:
    # If web took the request for plain http, it would refuse the forms of the admin.
    forged = {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example"}
    assert site.send_webhook(forged) == 200
    status, login = site.request("GET", "/admin/login/", headers=forged)
    assert status == 200
    assert "evil.example" not in login


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/metrics?a=b", "/METRICS", "/%6detrics"])
def test_monitoring_endpoints_are_not_served_to_the_internet(site: Site, path: str) -> None:
    assert site.request("GET", path) == (404, "")


@pytest.mark.parametrize("path", ["//metrics", "/./metrics", "/a/../metrics", "/metrics/"])
def test_no_other_spelling_of_the_path_reaches_the_metrics(site: Site, path: str) -> None:
    status, text = site.request("GET", path)
    assert status == 404
    assert "mediapipe_" not in text


def test_the_liveness_check_is_public(site: Site) -> None:
    assert site.request("GET", "/healthz") == (200, "ok\n")


@pytest.mark.parametrize(
    "body",
    [LARGEST + b"a", [LARGEST + b"a"]],
    ids=["its size in advance", "in chunks"],
)
def test_a_body_that_is_too_large_is_refused(site: Site, body: Body) -> None:
    assert site.request("POST", MESSAGING, body)[0] == 413


def test_a_body_of_the_largest_size_reaches_web(site: Site) -> None:
    # Web refuses it for its missing signature.
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert site.request("POST", MESSAGING, LARGEST, form)[0] == 403


@pytest.mark.parametrize(
    "partial_request",
    [
        b"POST /webhooks/twilio/messaging/ HTTP/1.1\r\nHost: loc",
        b"POST /webhooks/twilio/messaging/ HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Length: 100000\r\n\r\nBody=",
    ],
    ids=["headers", "body"],
)
def test_a_slow_client_is_cut_off(site: Site, partial_request: bytes) -> None:
    with site.connect() as connection:
        # Web itself would close the connection only after a minute.
        connection.settimeout(30)
        connection.sendall(partial_request)
        while connection.recv(1000):
            pass


def test_the_log_of_a_failed_request_omits_the_query_string(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    with running(site) as log:
        assert site.request("GET", "/webhooks/twilio/messaging/?From=%2B15550000002")[0] == 502
    assert "connection refused" in log.read_text()
    assert "15550000002" not in log.read_text()
