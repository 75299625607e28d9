import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests

from mediapipe.simulator import Simulator
from mediapipe.simulator.faults import Status
from mediapipe.simulator.script import ACCOUNT_SID, AUTH_TOKEN, MediaScript


@pytest.fixture
def twilio() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


def status_of(script: MediaScript) -> int:
    auth = (ACCOUNT_SID, AUTH_TOKEN)
    return requests.get(script.url, auth=auth, allow_redirects=False, timeout=60).status_code


def test_late_media_is_not_found_until_its_delay_has_passed(twilio: Simulator) -> None:
    late = twilio.add_message_media(delay_s=1.5)
    late.announce()
    assert status_of(late) == 404
    assert late.available_at is not None
    threading.Event().wait((late.available_at - datetime.now(UTC)).total_seconds())
    assert status_of(late) == 307


def test_available_at_is_the_exact_moment_at_which_media_becomes_available(
    twilio: Simulator,
) -> None:
    late = twilio.add_message_media(delay_s=0.2)
    late.announce()
    # The last request that gets a 404 begins at `not_found`, and the next one finds the media.
    not_found = asked = datetime.now(UTC)
    while status_of(late) == 404:
        not_found, asked = asked, datetime.now(UTC)
    assert late.available_at is not None
    assert not_found < late.available_at < datetime.now(UTC)


def test_media_without_delay_is_available_before_any_webhook(twilio: Simulator) -> None:
    photo = twilio.add_message_media()
    assert status_of(photo) == 307
    assert photo.available_at == photo.created_at


def test_the_delay_does_not_run_before_the_announcement(twilio: Simulator) -> None:
    late = twilio.add_message_media(delay_s=0.001)
    threading.Event().wait(0.01)
    assert status_of(late) == 404
    assert late.available_at is None


def test_a_second_announcement_does_not_start_the_delay_again(twilio: Simulator) -> None:
    late = twilio.add_message_media(delay_s=60)
    late.announce()
    first = late.available_at
    late.announce()
    assert late.available_at == first


def test_every_media_item_has_its_own_delay(twilio: Simulator) -> None:
    late, early = twilio.add_message_media(delay_s=60), twilio.add_message_media(delay_s=0)
    late.announce()
    early.announce()
    assert (status_of(late), status_of(early)) == (404, 307)


def test_faults_take_effect_before_the_delay_is_checked(twilio: Simulator) -> None:
    late = twilio.add_message_media(delay_s=60, faults=[Status(503)])
    assert [status_of(late), status_of(late)] == [503, 404]
