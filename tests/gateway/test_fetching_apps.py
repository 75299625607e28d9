"""Apps that fetch media as the source code of real ones does; none gets a message twice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.script import AUTH_TOKEN
from mediapipe.simulator.webhooks import PATHS
from tests.support.apps import App, ReceivedRequest, Reply, app
from tests.support.service import Service, running
from tests.support.webhooks import post

pytestmark = pytest.mark.services

Form = dict[str, str]
LATE_S = 1.5
EMPTY = b"<Response></Response>"


def media(form: Form) -> list[str]:
    return [form[f"MediaUrl{number}"] for number in range(int(form["NumMedia"]))]


def courier(form: Form) -> list[int]:
    """Send the credentials to any host; a 404 is final."""
    login = (form["AccountSid"], AUTH_TOKEN)
    return [requests.get(url, auth=login, timeout=30).status_code for url in media(form)]


def openclaw(form: Form) -> list[int]:
    """Fetch only media whose path is that of this message; a 404 is final."""
    own = f"/Accounts/{form['AccountSid']}/Messages/{form['MessageSid']}/Media/"
    return courier(form) if all(own in urlsplit(url).path for url in media(form)) else [0]


def botpress(form: Form) -> list[int]:
    """Require a body of the Content-Length that a HEAD request returned."""
    (url,), login = media(form), (form["AccountSid"], AUTH_TOKEN)
    head = requests.head(url, auth=login, timeout=30, allow_redirects=True)
    whole = requests.get(url, auth=login, timeout=30)
    is_whole = len(whole.content) == int(head.headers["Content-Length"])
    return [head.status_code, whole.status_code if is_whole else 0]


def rocket_chat(form: Form) -> list[int]:
    """Fetch the first file before answering, without credentials."""
    return [requests.get(media(form)[0], timeout=30).status_code]


def mms_tutorial(form: Form) -> list[int]:
    """Use the last segment of the path as the SID, and delete the file at Twilio."""
    url = media(form)[0]
    assert urlsplit(url).path.rpartition("/")[2].startswith("ME")
    found = requests.get(url, auth=(form["AccountSid"], AUTH_TOKEN), timeout=30).status_code
    requests.delete(url, auth=(form["AccountSid"], AUTH_TOKEN), timeout=30)
    return [found]


@dataclass
class FetchingApp:
    """An app, its entry in GATEWAY_FILE, and the statuses it got for each message's media."""

    to: str
    entry: dict[str, Any]
    fetch: Callable[[Form], list[int]]
    running: App = field(default_factory=App)
    statuses: dict[str, list[int]] = field(default_factory=dict)

    def answer(self, got: ReceivedRequest) -> Reply:
        form = dict(parse_qsl(got.body.decode(), keep_blank_values=True))
        self.statuses[form["MessageSid"]] = self.fetch(form)
        thanks = b"<Response><Message>Thanks</Message></Response>"
        return Reply(body=thanks if self.fetch is mms_tutorial else EMPTY)

    def pictures(self, count: int, delay_s: float) -> list[Webhook]:
        senders = [f"+1555300{number:04}" for number in range(count)]
        return [payloads.mms(1, delay_s=delay_s).changed(To=self.to, From=each) for each in senders]


APPS = {
    "courier": FetchingApp("+15550007001", {"answer": "empty"}, courier),
    "openclaw": FetchingApp("+15550007002", {"answer": "empty"}, openclaw),
    "botpress": FetchingApp("+15550007003", {"answer": "empty"}, botpress),
    "rocket-chat": FetchingApp("+15550007004", {"answer": "app"}, rocket_chat),
    "mms-tutorial": FetchingApp("+15550007005", {"answer": "app"}, mms_tutorial),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("data")
    file, entries = folder / "gateway.json", []
    with ExitStack() as stack:
        for name, each in APPS.items():
            each.running = stack.enter_context(app(each.answer))
            url = each.running.url
            entries.append({"name": name, "url": url, "to": [each.to], **each.entry})
        file.write_text(json.dumps(entries))
        # The budget leaves room for a machine that is busy with other tests.
        env = {"GATEWAY_FILE": str(file), "GATEWAY_BUDGET": "14s"}
        service = stack.enter_context(running(folder, **env))
        service.twilio.state.open_media = True
        yield service


def send(service: Service, webhooks: list[Webhook]) -> list[bytes]:
    """Send webhooks concurrently, and return the answers."""
    for webhook in webhooks:
        for script in webhook.media:
            service.twilio.state.register(script).announce()
    at = [webhook.at(service.twilio.api_origin) for webhook in webhooks]
    url = service.url + PATHS["messaging"]
    with ThreadPoolExecutor(len(webhooks)) as threads:
        return list(threads.map(lambda webhook: post(webhook, url, AUTH_TOKEN), at))


def delivered(service: Service, fetcher: FetchingApp, webhooks: list[Webhook]) -> list[list[int]]:
    """Wait until the app has all these messages; return what it got for their media."""
    sids = [webhook["MessageSid"] for webhook in webhooks]
    deadline = time.monotonic() + 60
    while not fetcher.statuses.keys() >= set(sids):
        assert time.monotonic() < deadline, f"{fetcher.statuses.keys()} of {sids}"
        time.sleep(0.1)
    return [fetcher.statuses[sid] for sid in sids]


@pytest.mark.parametrize("name", ["courier", "openclaw", "botpress"])
def test_late_media_is_available_at_the_apps_first_request(service: Service, name: str) -> None:
    fetcher = APPS[name]
    webhooks = fetcher.pictures(4, LATE_S)
    send(service, webhooks)
    statuses = delivered(service, fetcher, webhooks)
    assert {status for each in statuses for status in each} == {200}
    assert len([got for got in fetcher.running.requests if b"MediaUrl0" in got.body]) == len(
        webhooks
    )


def test_an_app_gets_a_404_for_late_media_without_the_gateway(service: Service) -> None:
    fetcher = APPS["courier"]
    (webhook,) = fetcher.pictures(1, delay_s=3600)
    assert service.twilio.send(webhook, to=fetcher.running.url) == 200
    assert delivered(service, fetcher, [webhook]) == [[404]]


def test_fetching_sixteen_pictures_before_responding_causes_no_deadlock(service: Service) -> None:
    fetcher = APPS["rocket-chat"]
    webhooks = fetcher.pictures(16, delay_s=0.5)
    assert send(service, webhooks) == [EMPTY] * 16
    assert delivered(service, fetcher, webhooks) == [[200]] * 16
    assert len(fetcher.running.requests) == 16


def test_media_is_stored_before_an_app_deletes_it_at_twilio(service: Service) -> None:
    fetcher = APPS["mms-tutorial"]
    (webhook,) = fetcher.pictures(1, LATE_S)
    assert b"<Message>Thanks</Message>" in send(service, [webhook])[0]
    assert delivered(service, fetcher, [webhook]) == [[200]]
    (script,) = webhook.media
    assert script.deleted
    (line,) = (each for each in service.export() if each["media_sid"] == script.sid)
    assert line["status"] == "stored"
    assert service.stored_bytes(line) == script.body
