"""The tasks of the person on call, done with the mouse, against what they took before.

"Before" is the clicks, keys and seconds of the same tasks on the pages of an earlier version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.mouse import Effort, Mouse
from tests.browser.person import DESKTOP, open_window
from tests.support.service import Service

pytestmark = [pytest.mark.services, pytest.mark.slow]

# Yesterday's items that wait one more day because the storage failed. They are in the slow phase:
# in the fast phase a sweep would blame so long a wait on a clock that was set back. They are new,
# because other tests retry what failed in the generated history.
STORAGE_FAILED = """
from datetime import timedelta
from django.db import transaction
from django.utils import timezone
from mediapipe.timing.period import Period
from tests.support import make
now = timezone.now()
later = now + timedelta(days=1)
with transaction.atomic():
    at = Period.named("yesterday", now).since + timedelta(hours=1)
    make.event(make.message(pictures=3), at).media.update(
        status="retrying", phase="slow", error="storage_failed", detail="No space left on device.",
        host="api.twilio.com", next_attempt_at=later, sweep_at=later)
"""


@pytest.fixture
def storage_failed(seeded: Service) -> None:
    seeded.manage("shell", "--verbosity=0", "--command", STORAGE_FAILED)


@pytest.fixture
def broken(seeded: Service, known: dict[str, str]) -> None:
    """Overwrite a voice note with zeros of the same length."""
    file = Path(seeded.env["DATA_DIR"]) / "media" / known["voice_file"]
    file.write_bytes(bytes(file.stat().st_size))


@pytest.fixture
def mouse(seeded: Service, browser: Browser) -> Iterator[Mouse]:
    """Log a Support user in, at the overview; fail if a page reported an error."""
    with open_window(browser, seeded.url, DESKTOP) as person:
        person.log_in("support")
        yield Mouse(person)
        assert person.errors == []


def link(mouse: Mouse, name: str) -> Locator:
    """Return the first link with this name (a regular expression)."""
    return mouse.person.page.get_by_role("link", name=re.compile(name)).first


def test_a_user_finds_the_picture_of_a_number(mouse: Mouse, known: dict[str, str]) -> None:
    page = mouse.person.page
    mouse.search(known["number"])
    mouse.follow(link(mouse, f"^{known['picture']}"))
    mouse.find(page.get_by_text(known["number"]).first)
    mouse.find(page.locator(".preview img"))
    assert page.locator(".preview img").evaluate("image => image.naturalWidth") > 0
    mouse.finish("picture of a number", Effort(2, 13, 1, 3, 1.0, "15"))
    assert mouse.effort.scrolls == 0


def test_a_user_finds_out_whether_twilio_or_our_queue_got_slower(mouse: Mouse) -> None:
    mouse.follow(link(mouse, "^Timing$"))
    for part in ("Twilio:", "Our queue:"):
        mouse.find(mouse.person.page.locator(".delay-verdict", has_text=part))
    mouse.finish("Twilio worse this week?", Effort(3, 0, 0, 3, 1.4, "20, worse: 90 and more"))
    assert mouse.effort.scrolls == 0


@pytest.mark.usefixtures("storage_failed")
def test_a_user_retries_the_storage_failures_of_yesterday(mouse: Mouse) -> None:
    page = mouse.person.page
    mouse.follow(link(mouse, "^Failures$"))
    mouse.click(page.get_by_label("yesterday"))
    mouse.follow(page.get_by_role("button", name="Show"))
    mouse.follow(link(mouse, "still retrying"))
    row = page.locator(".groups tr", has_text="storage_failed")
    mouse.find(row.get_by_text("the items resume automatically"))
    mouse.finish("yesterday's storage failures", Effort(5, 0, 0, 5, 0.4, "60 and more"))
    mouse.follow(row.get_by_role("link", name=re.compile("^Retry these")))
    mouse.follow(page.get_by_role("button", name="Retry the selected reasons"))
    mouse.find(page.get_by_text(re.compile("Done: .* retried")))
    mouse.finish("... and their retry", Effort(7, 0, 0, 7, 0.6, "-"))


def test_a_user_downloads_the_package_for_twilio_support(mouse: Mouse) -> None:
    mouse.follow(link(mouse, r"^Incidents \("))
    mouse.follow(link(mouse, "^Early 404s"))
    mouse.follow(link(mouse, "^Package for Twilio Support"))
    with mouse.person.page.expect_download() as download:
        mouse.click(mouse.person.page.get_by_role("button", name="Download the package"))
    assert download.value.suggested_filename.endswith(".zip")
    mouse.finish("package for Twilio", Effort(4, 0, 0, 4, 3.3, "25"))


def test_a_user_finds_the_misconfigured_number(mouse: Mouse) -> None:
    mouse.follow(link(mouse, "^Webhook setup$"))
    row = mouse.person.page.locator("#result_list tr", has_text="+15550000002")
    mouse.find(row.get_by_text("sends elsewhere: old.example.com"))
    mouse.finish("misconfigured number", Effort(1, 0, 0, 2, 1.4, "not solved"))


@pytest.mark.usefixtures("broken")
def test_a_user_sees_that_a_broken_recording_was_retrieved(
    mouse: Mouse, known: dict[str, str]
) -> None:
    mouse.search(known["voice_number"])
    mouse.follow(link(mouse, f"^{known['voice']}"))
    expect(mouse.person.page.locator("#unplayable")).to_contain_text("bytes were retrieved")
    mouse.find(mouse.person.page.locator("#unplayable"))
    mouse.finish("audio is broken", Effort(4, 13, 0, 4, 2.0, "30, a recording: not found"))
    assert mouse.effort.scrolls == 0


def test_a_user_finds_the_recording_of_a_call(mouse: Mouse, known: dict[str, str]) -> None:
    mouse.search(known["call"])
    mouse.follow(link(mouse, f"^{known['sound']}"))
    mouse.find(mouse.person.page.locator("audio"))
    mouse.finish("recording of a call", Effort(4, 35, 0, 4, 2.0, "30"))


def test_a_user_sees_on_the_overview_whether_all_is_well(mouse: Mouse) -> None:
    verdict = mouse.person.page.locator(".verdict")
    expect(verdict).to_contain_text(re.compile("All well|Needs attention"))
    mouse.find(verdict)
    mouse.finish("all well?", Effort(0, 0, 0, 1, 0.1, "10"))


def test_a_user_finds_better_retry_settings(mouse: Mouse) -> None:
    mouse.follow(link(mouse, "^Retry lab$"))
    mouse.find(mouse.person.page.locator("#settings"))
    mouse.find(mouse.person.page.get_by_role("button", name="Copy the settings"))
    mouse.finish("better retry settings", Effort(1, 0, 1, 2, 0.8, "20"))
