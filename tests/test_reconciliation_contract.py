"""Twilio's lists as Twilio's own OpenAPI description has them, served by a mock server.

The excerpt of the description is in payloads/; `npm install -g @stoplight/prism-cli@5.14.2` with
node 20 installs the mock server.
"""

from __future__ import annotations

import ipaddress
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_django import Settings

from mediapipe.failures import UnexpectedAnswer
from mediapipe.providers.base import Kind
from mediapipe.providers.twilio.accounts import Account
from mediapipe.reconciliation.listing import Lists

DESCRIPTION = Path(__file__).parent / "payloads" / "twilio_lists.openapi.json"
ACCOUNT = "AC" + "a" * 32
SINCE, UNTIL = datetime(2019, 5, 24, tzinfo=UTC), datetime(2019, 5, 25, tzinfo=UTC)


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    """Run the mock server, which answers 422 to what the description does not allow.

    Not with --errors: the addresses of pages in Twilio's own examples are not of its own format.
    """
    program = shutil.which("prism")
    if program is None:
        pytest.skip("there is no prism (npm package @stoplight/prism-cli) here")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(program), "mock", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen([*command, str(DESCRIPTION)], stdout=subprocess.PIPE, text=True) as run:
        try:
            assert run.stdout is not None
            assert any("listening" in line for line in run.stdout)
            yield f"http://127.0.0.1:{port}"
        finally:
            run.terminate()


@pytest.fixture
def lists(prism: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Lists:
    monkeypatch.setattr("mediapipe.reconciliation.http.MOST_TRIES", 1)
    settings.TWILIO_API_HOSTS = [prism]
    settings.TWILIO_API_URL = prism
    settings.MEDIA_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    return Lists(Account(ACCOUNT, ("token",)))


def test_recordings_are_read(lists: Lists) -> None:
    ((subject,),) = lists.recordings(SINCE, UNTIL)
    assert (subject.kind, subject.sid) == (Kind.RECORDING, "RE" + "a" * 32)
    assert subject.created_at == datetime(2016, 10, 14, 21, 56, 34, tzinfo=UTC)
    message = subject.read()
    assert message is not None
    assert [item.media_sid for item in message.media] == [subject.sid]
    assert message.media[0].failure is None


def test_a_message_with_media_is_read(lists: Lists) -> None:
    # The other one of the description has no media.
    (subject,) = next(lists.messages(SINCE, UNTIL))
    assert (subject.kind, subject.media) == (Kind.MESSAGE, 3)
    assert subject.created_at == datetime(2019, 5, 24, 17, 44, 46, tzinfo=UTC)
    message = subject.read()
    assert message is not None
    assert message.subject_sid == subject.sid
    (item,) = message.media
    assert (item.media_sid, item.declared_content_type) == ("ME" + "a" * 32, "image/jpeg")
    assert item.failure is None


def test_pages_follow_one_another(lists: Lists) -> None:
    pages = lists.messages(SINCE, UNTIL)
    first, second = next(pages), next(pages)
    assert [subject.sid for subject in first] == [subject.sid for subject in second]
    # In the description the page after the first is the first again.
    with pytest.raises(UnexpectedAnswer, match="circle"):
        next(pages)
