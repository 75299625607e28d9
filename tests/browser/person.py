"""A person in front of Debian's Chromium, who notices every error and request to another host."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.support import servers

CHROMIUM = "chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # Without these Chromium itself contacts other hosts, which a page would be blamed for.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Lets a player start without a click; otherwise it may only once a person has clicked anywhere.
    "--autoplay-policy=no-user-gesture-required",
]
# The password of each user is the name.
USERS = """
from django.contrib.auth.models import User
from mediapipe.operations import roles
for name in roles.ROLES:
    roles.assign(User.objects.create_user(name.lower(), password=name.lower()), name)
"""
DESKTOP, PHONE = (1280, 900), (375, 800)
# For one step or expectation; a machine that runs other tests as well is slow.
TIMEOUT_MS = 60_000
Scheme = Literal["light", "dark"]


@dataclass
class Person:
    """One browser window, its errors, and the URLs of requests to other hosts."""

    page: Page
    url: str
    errors: list[str] = field(default_factory=list)
    foreign_requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start to record errors and requests."""
        self.page.on("console", self._record_console_message)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._record_foreign_request)

    def log_in(self, name: str) -> None:
        """Log in as a user whose password is the name."""
        self.visit("/admin/login/?next=/admin/")
        self.page.fill("#id_username", name)
        self.page.fill("#id_password", name)
        self.follow(self.page.locator("input[type=submit]"))

    def visit(self, path: str) -> int:
        """Open a page of the service; return the status of the response."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        return answer.status

    def follow(self, target: Locator) -> None:
        """Click a link or button, and return once the page that it leads to is loaded."""
        with self.page.expect_navigation():
            target.click()

    def find(self, sid: str, by: str = "") -> None:
        """Search the list of media for `by`, by default the SID, and open the item."""
        self.visit("/admin/mediapipe/mediaitem/")
        self.page.fill("#searchbar", by or sid)
        with self.page.expect_navigation():
            self.page.press("#searchbar", "Enter")
        self.open_item(sid)

    def open_item(self, sid: str) -> None:
        """Follow the link of a media item in the list."""
        self.follow(self.page.locator(f"a[title='{sid}'], a:text-is('{sid}')").first)
        expect(self.page.locator("h1", has_text=sid)).to_be_visible()

    def text(self) -> str:
        """Return the visible text of the page."""
        return self.page.inner_text("body")

    def overflows_by(self) -> int:
        """Return how many pixels of the page are beyond the right edge of the window."""
        width: int = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return width

    def _record_console_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(f"{message.text} ({message.location['url']})")

    def _record_foreign_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and f"{parts.scheme}://{parts.netloc}" != self.url:
            self.foreign_requests.append(request.url)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium; without it, skip or fail the test as `servers.missing` does."""
    program = shutil.which(CHROMIUM)
    if not program:
        servers.missing("Chromium is not installed (apt-get install chromium)")
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def open_window(
    browser: Browser, url: str, size: tuple[int, int] = DESKTOP, scheme: Scheme = "light"
) -> Iterator[Person]:
    """Open a window of this size (pixels) with its own cookies; it is discarded afterwards."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
    )
    context.set_default_timeout(TIMEOUT_MS)
    yield Person(context.new_page(), url)
    context.close()
