"""The page of an unfinished item refreshes itself, but not under the hands of its reader."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from mediapipe.simulator import payloads
from tests.browser import arrivals
from tests.browser.conftest import LogIn
from tests.browser.person import Person
from tests.support.service import Service

pytestmark = pytest.mark.services

PAUSED = "paused while you select text or use a control"
SELECTED = "getSelection().toString()"
# Resolves once the page has been refreshed.
REFRESHED = "new Promise(done => document.addEventListener('refreshed', done, {once: true}))"
# The table of steps is wider than such a window, which is too wide for cards.
NARROW = (1040, 800)


@pytest.fixture
def reader(service: Service, log_in: LogIn) -> Person:
    """Return a user on the page of an item that stays unfinished, in a narrow window."""
    webhook = arrivals.send_and_wait(service, payloads.mms(1, delay_s=3600), "retrying")
    person = log_in("viewer", NARROW)
    person.find(webhook.media[0].sid)
    return person


def test_the_refresh_pauses_until_the_selected_text_is_deselected(reader: Person) -> None:
    page = reader.page
    page.locator("#live .lead").click(click_count=3)
    selected = page.evaluate(SELECTED)
    assert "Not stored yet" in selected
    expect(page.get_by_text(PAUSED)).to_be_visible(timeout=20_000)
    assert page.evaluate(SELECTED) == selected
    page.locator("h1").click()
    page.evaluate(REFRESHED)
    expect(page.get_by_text(PAUSED)).to_have_count(0)


def test_a_table_keeps_its_scroll_position_after_a_refresh(reader: Person) -> None:
    page = reader.page
    table = page.get_by_role("region", name="Steps")
    table.evaluate("table => { table.scrollLeft = 50; }")
    assert table.evaluate("table => table.scrollLeft") == 50
    page.evaluate(REFRESHED)
    assert table.evaluate("table => table.scrollLeft") == 50
