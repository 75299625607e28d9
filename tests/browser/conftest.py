from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import every_page
from tests.browser import person as persons
from tests.browser.person import Person
from tests.support.service import Service, running

LogIn = Callable[..., Person]
HERE = Path(__file__).parent
FIND = """
import json
from mediapipe.models import MediaItem
stored = MediaItem.objects.exclude(storage_name="").select_related("event").order_by("-pk")
picture = stored.filter(content_type="image/png").first()
sound = stored.filter(content_type="audio/wav").first()
voice = stored.filter(content_type="audio/ogg", event__sender__startswith="+").first()
print(json.dumps({
    "number": picture.event.sender.removeprefix("whatsapp:"),
    "picture": picture.media_sid,
    "call": sound.event.call_sid,
    "sound": sound.media_sid,
    "voice_number": voice.event.sender,
    "voice": voice.media_sid,
    "voice_file": voice.storage_name,
}))
"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these in a different process from the tests of whole services: they measure no time."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run the whole service once for all tests in the browser, with a user for each role."""
    # It hashes passwords slowly, as in production.
    with running(tmp_path_factory.mktemp("browser")) as whole:
        whole.manage("shell", "--verbosity=0", "--command", persons.USERS)
        yield whole


@pytest.fixture(scope="package")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run the whole service once on a generated history, which has something for every page."""
    with running(tmp_path_factory.mktemp("seeded")) as whole:
        every_page.seed(whole)
        yield whole


@pytest.fixture(scope="package")
def known(seeded: Service) -> dict[str, str]:
    """Return what callers ask about: numbers, a call, and the media of each."""
    found: dict[str, str] = json.loads(seeded.manage("shell", "--verbosity=0", "--command", FIND))
    return found


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Run one browser for all tests here; until it is closed, Django refuses database access.

    Playwright keeps an event loop running in the thread of the tests.
    """
    with persons.chromium() as chromium:
        yield chromium


@pytest.fixture
def log_in(service: Service, browser: Browser) -> Iterator[LogIn]:
    """Return a function that opens a window logged in to the admin as a user of a role.

    The test fails if a page reported an error or sent a request to any host but the service.
    """
    persons_logged_in: list[Person] = []
    with ExitStack() as windows:

        def open_logged_in(role: str, size: tuple[int, int] = persons.DESKTOP) -> Person:
            person = windows.enter_context(persons.open_window(browser, service.url, size))
            persons_logged_in.append(person)
            person.log_in(role)
            return person

        yield open_logged_in
    assert [error for person in persons_logged_in for error in person.errors] == []
    assert [url for person in persons_logged_in for url in person.foreign_requests] == []
