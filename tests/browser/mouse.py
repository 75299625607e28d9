"""A person with a mouse: every click, turn of the wheel, key and page counts."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from playwright.sync_api import Locator

from tests.browser.person import Person
from tests.support.tables import Table

# The keystroke-level model of Card, Moran and Newell, rounded: seconds for one key, to point and
# click, and to read and decide after each new page or turn of the wheel.
KEY_S, CLICK_S, READ_S = 0.2, 1.1, 1.35
# The visible share of an element, also within a scrolling container.
VISIBLE_SHARE = """element => new Promise(done => new IntersectionObserver(
    ([entry], observer) => { observer.disconnect(); done(entry.intersectionRatio); }
).observe(element))"""
# Scrolls down; whether that was possible.
SCROLL = """() => {
    const before = scrollY;
    scrollBy({top: innerHeight * 0.75, behavior: "instant"});
    return scrollY > before;
}"""
TABLE = Table(
    "tasks by mouse: before -> after",
    ("task", "clicks", "keys", "scrolls", "automated s", "s by hand", "s by the model"),
)


@dataclass
class Effort:
    """What a task takes. `by_hand` is how many seconds a person new to the pages took."""

    clicks: int = 0
    keys: int = 0
    scrolls: int = 0
    pages: int = 1
    automated_s: float = 0.0
    by_hand: str = "-"

    @property
    def modelled_s(self) -> float:
        """The estimated seconds for a user who knows the pages, including response times."""
        hands_s = self.clicks * CLICK_S + (self.keys + self.scrolls) * KEY_S
        return hands_s + (self.pages + self.scrolls) * READ_S + self.automated_s


@dataclass
class Mouse:
    """One person's mouse and keyboard, from the moment the overview is shown."""

    person: Person
    effort: Effort = field(default_factory=Effort)
    began: float = field(default_factory=time.monotonic)

    def find(self, target: Locator) -> None:
        """Turn the wheel until all of the target is visible."""
        while target.evaluate(VISIBLE_SHARE) < 0.99:
            assert self.person.page.evaluate(SCROLL), f"{target} is nowhere on the page"
            self.effort.scrolls += 1

    def click(self, target: Locator) -> None:
        """Click a control of this page."""
        self.find(target)
        target.click()
        self.effort.clicks += 1

    def follow(self, target: Locator) -> None:
        """Click a link or button, and return once the page that it leads to is loaded."""
        with self.person.page.expect_navigation():
            self.click(target)
        self.effort.pages += 1

    def search(self, text: str) -> None:
        """Search from the overview."""
        page = self.person.page
        self.click(page.get_by_role("searchbox", name="Find media"))
        page.keyboard.type(text)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        self.effort.keys += len(text) + 1
        self.effort.pages += 1

    def finish(self, task: str, before: Effort) -> None:
        """Add the task to the table; fail if it took more steps than before."""
        after = self.effort
        after.automated_s = time.monotonic() - self.began
        TABLE.add(
            task,
            *(
                f"{old} -> {new}"
                for old, new in (
                    (before.clicks, after.clicks),
                    (before.keys, after.keys),
                    (before.scrolls, after.scrolls),
                    (f"{before.automated_s:.1f}", f"{after.automated_s:.1f}"),
                )
            ),
            before.by_hand,
            f"{before.modelled_s:.0f} -> {after.modelled_s:.0f}",
        )
        for name in ("clicks", "keys", "scrolls", "pages"):
            assert getattr(after, name) <= getattr(before, name), name
