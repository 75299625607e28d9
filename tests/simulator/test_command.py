import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from mediapipe.simulator.script import ACCOUNT_SID, AUTH_TOKEN

pytestmark = pytest.mark.services

COMMAND = [sys.executable, "-m", "django", "simulate_twilio"]
FREE_PORTS = ["--api", "127.0.0.1:0", "--cdn", "127.0.0.2:0"]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    options = ["--log", str(tmp_path / "log.jsonl"), "--webhook-base", "http://127.0.0.1:1"]
    traffic = ["--send", "3", "--rate", "100"]
    with subprocess.Popen(
        [*COMMAND, *FREE_PORTS, *options, *traffic],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def environment_of(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None
    lines = [process.stdout.readline().rstrip("\n") for _ in range(7)]
    return dict(line.split("=", 1) for line in lines)


def test_the_command_prints_the_environment_serves_media_and_writes_the_log(
    process: subprocess.Popen[str], tmp_path: Path
) -> None:
    environment = environment_of(process)
    assert environment["TWILIO_ACCOUNT_SID"] == ACCOUNT_SID
    assert environment["TWILIO_AUTH_TOKEN"] == AUTH_TOKEN
    assert environment["MEDIA_REDIRECT_HOSTS"].startswith("127.0.0.2:")
    assert environment["MEDIA_ALLOWED_NETWORKS"] == "127.0.0.0/8"
    origin = environment["TWILIO_API_HOSTS"]
    added = requests.post(f"{origin}/_simulator/media", json={}, timeout=60).json()
    requests.get(added["url"], auth=(ACCOUNT_SID, AUTH_TOKEN), timeout=60)
    process.terminate()
    process.wait(60)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["sid"] == added["sid"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_stops_cleanly_on_a_signal(process: subprocess.Popen[str], number: int) -> None:
    environment_of(process)
    assert process.stderr is not None
    assert process.stderr.readline() == "3 webhooks got no response\n"
    process.send_signal(number)
    assert process.wait(60) == 0
    assert process.stderr.read() == ""


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:x", "127.0.0.1:99999", "192.0.2.1:0"])
def test_an_unusable_address_is_refused_with_a_one_line_error(address: str) -> None:
    ended = subprocess.run([*COMMAND, "--api", address], capture_output=True, text=True)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
