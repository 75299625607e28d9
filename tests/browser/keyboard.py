"""A person without a mouse: every step is a key."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.browser.person import Person

# With more tab stops than this between two controls, a page is not usable by keyboard.
MAX_TABS = 150
NAME_OF_FOCUS = """() => {
    const on = document.activeElement;
    if (!on || on === document.body) return "";
    const label = on.labels && on.labels.length ? on.labels[0].innerText : "";
    const text = on.getAttribute("aria-label") || label || on.innerText || on.value || "";
    return `${text} ${on.title}`.trim().replace(/\\s+/g, " ");
}"""


@dataclass
class Keyboard:
    """The keys that one person presses; each letter of a typed text counts."""

    person: Person
    keys: int = 0

    def press(self, key: str) -> None:
        """Press one key."""
        self.person.page.keyboard.press(key)
        self.keys += 1

    def type(self, text: str) -> None:
        """Type a text into the focused control."""
        self.person.page.keyboard.type(text)
        self.keys += len(text)

    def focused(self) -> str:
        """Return the name and the title of the focused control."""
        name: str = self.person.page.evaluate(NAME_OF_FOCUS)
        return name

    def tab_to(self, name: str) -> None:
        """Press Tab until the control with this name (a regular expression) has the focus."""
        passed = []
        for _ in range(MAX_TABS):
            self.press("Tab")
            found = self.focused()
            if re.search(name, found):
                return
            passed.append(found)
        raise AssertionError(f"No control named {name!r} after {passed}")

    def follow(self, name: str) -> None:
        """Tab to a link or button, and activate it with Enter; return once the page is loaded."""
        self.tab_to(name)
        with self.person.page.expect_navigation():
            self.press("Enter")
