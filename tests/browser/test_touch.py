"""Touch targets on a phone are at least 24 px high and wide, as WCAG 2.5.8 requires."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.every_page import every_page
from tests.browser.person import open_window
from tests.support.service import Service

pytestmark = [pytest.mark.services, pytest.mark.slow]

# Django's own forms.
NOT_OURS = ("group", "user", "user-add")
# WCAG exempts links within a sentence.
SMALL = """() => [...document.querySelectorAll(
    "a, button, input, select, summary"
)].filter((one) => {
    const target = one.matches("label input") ? one.closest("label") : one;
    const { width, height } = target.getBoundingClientRect();
    const words = [...one.parentElement.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim().length > 2);
    return one.checkVisibility() && one.type !== "hidden"
        && !(one.matches("a:not(.button)") && words)
        && Math.min(width, height) < 24;
}).map((one) => one.outerHTML.slice(0, 120))"""

OPEN = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"


def test_every_control_is_large_enough_to_touch(seeded: Service, browser: Browser) -> None:
    with open_window(browser, seeded.url, (390, 844)) as person:
        person.log_in("root")
        found = {}
        for name, path in every_page(seeded).items():
            if name not in NOT_OURS:
                person.visit(path)
                person.page.evaluate(OPEN)
                if small := person.page.evaluate(SMALL):
                    found[name] = small
        assert found == {}


def test_a_list_can_be_sorted_by_touch(seeded: Service, browser: Browser) -> None:
    with open_window(browser, seeded.url, (390, 844)) as person:
        person.log_in("root")
        person.visit("/admin/auth/user/")
        names = person.page.locator("#result_list .field-username")
        before = names.all_inner_texts()
        with person.page.expect_navigation():
            person.page.get_by_role("link", name="Username").click()
        assert names.all_inner_texts() == before[::-1]


def test_all_rows_of_a_list_can_be_selected_by_touch(seeded: Service, browser: Browser) -> None:
    with open_window(browser, seeded.url, (390, 844)) as person:
        person.log_in("root")
        person.visit("/admin/mediapipe/incident/")
        person.page.get_by_label("Select all objects on this page").click()
        rows = person.page.locator("#result_list tbody .action-select")
        assert rows.count() > 1
        assert all(row.is_checked() for row in rows.all())
