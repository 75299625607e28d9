import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from mediapipe.simulator import Simulator
from mediapipe.simulator.script import ACCOUNT_SID, AUTH_TOKEN

OWN = (ACCOUNT_SID, AUTH_TOKEN)


@pytest.fixture
def twilio() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


def own_address() -> str:
    """Return this machine's address in its network; a UDP connect sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("This machine has no network.")
        return str(probe.getsockname()[0])


def post(twilio: Simulator, path: str, document: object = None) -> requests.Response:
    return requests.post(f"{twilio.api_origin}/_simulator/{path}", json=document, timeout=60)


def test_media_can_be_added_by_another_process(twilio: Simulator) -> None:
    document = {"size": 99, "faults": [{"fault": "Status", "code": 503, "retry_after": "1"}]}
    added = post(twilio, "media", document)
    assert added.status_code == 201
    url = added.json()["url"]
    assert requests.get(url, auth=OWN, timeout=60).headers["Retry-After"] == "1"
    assert len(requests.get(url, auth=OWN, timeout=60).content) == 99


def test_added_media_is_announced_at_once(twilio: Simulator) -> None:
    late = post(twilio, "media", {"delay_s": 60}).json()
    script = twilio.state.find(late["sid"])
    assert script is not None
    assert script.available_at is not None
    assert late["available_at"] == script.available_at.isoformat()


def test_the_announcement_of_added_media_can_be_deferred(twilio: Simulator) -> None:
    late = post(twilio, "media", {"delay_s": 60, "announce": False}).json()
    assert late["available_at"] is None
    assert post(twilio, f"media/{late['sid']}/announce").json()["available_at"]


def test_a_recording_can_be_added(twilio: Simulator) -> None:
    url = post(twilio, "media", {"kind": "recording"}).json()["url"]
    assert requests.get(url, auth=OWN, timeout=60).content.startswith(b"RIFF")


def test_a_hang_can_be_released_by_another_process(twilio: Simulator) -> None:
    added = post(twilio, "media", {"kind": "recording", "faults": [{"fault": "Hang"}]}).json()
    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(requests.get, added["url"], auth=OWN, timeout=60)
        (entry,) = twilio.log.wait_for(added["sid"])
        assert entry.status is None
        post(twilio, f"media/{added['sid']}/release")
        assert hanging.result().status_code == 200


def test_the_log_can_be_read_by_another_process(twilio: Simulator) -> None:
    photo, other = twilio.add_message_media(), twilio.add_message_media()
    requests.get(photo.url, auth=OWN, timeout=60)
    requests.get(other.url, auth=OWN, timeout=60)
    log = f"{twilio.api_origin}/_simulator/log"
    assert [e["sid"] for e in requests.get(log, timeout=60).json()] == [
        photo.sid,
        photo.sid,
        other.sid,
        other.sid,
    ]
    assert len(requests.get(log, params={"sid": other.sid}, timeout=60).json()) == 2


def test_control_requests_from_other_machines_are_refused() -> None:
    with Simulator(api=("0.0.0.0", 0)) as twilio:  # noqa: S104 -- the other side must get in.
        port = urlsplit(twilio.api_origin).port
        response = requests.get(f"http://{own_address()}:{port}/_simulator/log", timeout=60)
    assert response.status_code == 403


def test_control_requests_are_not_in_the_log(twilio: Simulator) -> None:
    post(twilio, "media", {})
    assert twilio.log.all() == []


@pytest.mark.parametrize(
    "document",
    [{"colour": "red"}, {"faults": [{"fault": "Unheard"}]}, {"faults": [{}]}, [], "text"],
)
def test_an_invalid_media_item_is_rejected(twilio: Simulator, document: object) -> None:
    response = post(twilio, "media", document)
    assert response.status_code == 400
    assert "error" in response.json()


@pytest.mark.parametrize("path", ["media/ME1", "media/ME1/announce", "nothing"])
def test_an_unknown_control_path_is_not_found(twilio: Simulator, path: str) -> None:
    assert post(twilio, path).status_code == 404
