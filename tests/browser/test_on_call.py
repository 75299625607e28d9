"""The engineer on call: where is the customer's picture, and how can it still be fetched?"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import arrivals
from tests.browser.conftest import LogIn
from tests.browser.person import PHONE
from tests.support.service import Service

pytestmark = pytest.mark.services

# Plays the sound; resolves with the seconds played once it is more than 0.2.
PLAYED = """sound => new Promise(done => {
    sound.ontimeupdate = () => sound.currentTime > 0.2 && done(sound.currentTime);
    sound.play();
})"""


def test_a_failed_item_is_found_from_the_overview_retried_and_displayed(
    service: Service, log_in: LogIn
) -> None:
    webhook = arrivals.failed(service)
    person = log_in("support")
    person.follow(person.page.locator("a.tile", has_text="Failed"))
    person.open_item(webhook.media[0].sid)
    assert "gone" in person.text()
    expect(person.page.get_by_role("img", name="Timeline")).to_be_visible()
    expect(person.page.get_by_role("row", name="attempt 1")).to_contain_text("410")
    person.page.get_by_role("button", name="Retry now").click()
    # The page updates itself.
    expect(person.page.locator(".lead")).to_contain_text("stored")
    expect(person.page.get_by_role("row", name="attempt 2")).to_contain_text("200")
    expect(person.page.locator(".preview img")).not_to_have_js_property("naturalWidth", 0)


def test_a_recording_can_be_played(service: Service, log_in: LogIn) -> None:
    webhook = arrivals.recording(service)
    person = log_in("viewer")
    person.find(webhook.media[0].sid)
    sound = person.page.locator("audio")
    assert sound.evaluate(PLAYED) > 0.2
    assert sound.evaluate("sound => sound.duration") == 5


def test_a_recording_that_the_browser_cannot_play_is_shown_as_retrieved(
    service: Service, log_in: LogIn
) -> None:
    webhook = arrivals.recording(service)
    sid = webhook.media[0].sid
    (file,) = Path(service.env["DATA_DIR"]).rglob(f"{sid}.*")
    file.write_bytes(bytes(file.stat().st_size))
    person = log_in("viewer")
    person.find(sid)
    expect(person.page.locator("#unplayable")).to_contain_text("All 80,044 bytes were retrieved")


def test_the_media_of_a_customer_is_found_by_the_sid_of_the_message(
    service: Service, log_in: LogIn
) -> None:
    webhook = arrivals.late(service)
    person = log_in("viewer")
    person.find(webhook.media[0].sid, by=webhook["MessageSid"])
    assert "404" in person.page.locator(".lead").inner_text()


def test_every_on_call_page_fits_on_a_phone(service: Service, log_in: LogIn) -> None:
    webhook = arrivals.late(service)
    person = log_in("viewer", PHONE)
    for path in ("/admin/", "/admin/timing/", "/admin/failures/", "/admin/mediapipe/incident/"):
        assert person.visit(path) == 200
        assert person.overflows_by() == 0, path
    person.find(webhook.media[0].sid)
    assert person.overflows_by() == 0
