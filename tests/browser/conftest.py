from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from tests.browser import person as persons
from tests.browser.person import Person
from tests.support.service import Service, running

LogIn = Callable[..., Person]


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run the whole service once for all tests in the browser, with a user for each role."""
    # Passwords are hashed slowly there, as they are in production.
    with running(tmp_path_factory.mktemp("browser")) as whole:
        whole.manage("shell", "--verbosity=0", "--command", persons.USERS)
        yield whole


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Run one browser for all tests here; until it is closed, Django refuses its database.

    Playwright has an event loop running all the while, in the thread of the tests.
    """
    with persons.chromium() as chromium:
        yield chromium


@pytest.fixture
def log_in(service: Service, browser: Browser) -> Iterator[LogIn]:
    """Return the function that seats a person of a role in front of the admin.

    At the end nothing may have been an error, and nobody but the service may have been asked.
    """
    seated: list[Person] = []
    with ExitStack() as windows:

        def seat(role: str, size: tuple[int, int] = persons.DESKTOP) -> Person:
            someone = windows.enter_context(persons.in_front_of(browser, service.url, size))
            seated.append(someone)
            someone.log_in(role)
            return someone

        yield seat
    assert [error for someone in seated for error in someone.errors] == []
    assert [url for someone in seated for url in someone.foreign] == []
