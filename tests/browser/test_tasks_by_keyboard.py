"""The tasks of the person on call, done with the keyboard alone on a month of history."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from rich.console import Console

from tests.browser.keyboard import Keyboard
from tests.browser.person import DESKTOP, Person, open_window
from tests.support.service import Service

pytestmark = [pytest.mark.services, pytest.mark.slow]

# Two items that a retry may help, whatever of the generated history failed and waits at this hour.
FAILED = """
from datetime import timedelta
from django.utils import timezone
from tests.support import make
at = timezone.now() - timedelta(days=14)
make.event(make.message(pictures=2), at).media.update(
    status="failed", error="storage_failed", detail="No space left on device.",
    host="api.twilio.com", failed_at=at + timedelta(hours=1), next_attempt_at=None, sweep_at=None)
"""


@pytest.fixture
def failed(seeded: Service) -> None:
    seeded.manage("shell", "--verbosity=0", "--command", FAILED)


@pytest.fixture
def keyboard(
    seeded: Service, browser: Browser, request: pytest.FixtureRequest
) -> Iterator[Keyboard]:
    """Log a Support user in, at the overview; print how many keys and seconds the task took."""
    with open_window(browser, seeded.url, DESKTOP) as person:
        person.log_in("support")
        keyboard = Keyboard(person)
        began = time.monotonic()
        yield keyboard
        took_s = time.monotonic() - began
        Console().print(f"{request.node.name}: {keyboard.keys} keys, {took_s:.1f} s")
        assert person.errors == []


def search(keyboard: Keyboard, text: str) -> Person:
    """Search from the overview; return the person, who then sees the list."""
    keyboard.tab_to("Find media")
    keyboard.type(text)
    with keyboard.person.page.expect_navigation():
        keyboard.press("Enter")
    return keyboard.person


def test_a_user_finds_the_picture_of_a_number(keyboard: Keyboard, known: dict[str, str]) -> None:
    page = search(keyboard, known["number"]).page
    keyboard.follow(f"^{known['picture']}")
    expect(page.locator(".preview img")).to_be_visible()
    assert page.locator(".preview img").evaluate("image => image.naturalWidth") > 0
    assert known["number"] in keyboard.person.text()


def test_a_user_finds_out_whether_twilio_or_our_queue_got_slower(keyboard: Keyboard) -> None:
    keyboard.follow("^Timing$")
    expect(keyboard.person.page.get_by_text("Twilio:")).to_be_visible()
    expect(keyboard.person.page.get_by_text("Our queue:")).to_be_visible()


@pytest.mark.usefixtures("failed")
def test_a_user_retries_the_failures_of_a_month(keyboard: Keyboard) -> None:
    keyboard.follow("^Failures$")
    keyboard.tab_to("^7 d$")
    while keyboard.focused() != "30 d":
        keyboard.press("ArrowRight")
    keyboard.follow("^Show$")
    keyboard.tab_to("^Actions for all")
    keyboard.press("Enter")
    keyboard.follow("^Retry all in this period")
    keyboard.follow("^Retry the selected reasons")
    expect(keyboard.person.page.locator("h1")).to_contain_text("media items")


def test_a_user_downloads_the_package_for_twilio_support(keyboard: Keyboard) -> None:
    keyboard.follow(r"^Incidents \(")
    keyboard.follow("^Early 404s")
    keyboard.follow("^Package for Twilio Support")
    keyboard.tab_to("^Download the package")
    with keyboard.person.page.expect_download() as download:
        keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".zip")


def test_a_user_finds_the_misconfigured_number(keyboard: Keyboard) -> None:
    keyboard.follow("^Webhook setup")
    row = keyboard.person.page.locator("#result_list tr", has_text="+15550000002")
    expect(row).to_contain_text("old.example.com")


def test_a_user_opens_a_recording_that_a_caller_reports_as_broken(
    keyboard: Keyboard, known: dict[str, str]
) -> None:
    page = search(keyboard, known["call"]).page
    keyboard.follow(f"^{known['sound']}")
    sound = page.locator("audio")
    assert (
        sound.evaluate(
            "sound => new Promise(done => {"
            " if (sound.readyState > 0) done(sound.duration);"
            " sound.onloadedmetadata = () => done(sound.duration); })"
        )
        == 1
    )


def test_a_user_sees_on_the_overview_whether_all_is_well(keyboard: Keyboard) -> None:
    verdict = keyboard.person.page.locator(".verdict")
    expect(verdict).to_contain_text(re.compile("All well|Needs attention"))
    assert keyboard.keys == 0


def test_a_user_finds_better_retry_settings(keyboard: Keyboard) -> None:
    keyboard.follow("^Retry lab$")
    expect(keyboard.person.page.get_by_text("RETRY_FIRST_DELAY")).to_be_visible()
    keyboard.tab_to("^Copy the settings")
