"""Many failed items are retried at once, from their group or from a selection."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import arrivals
from tests.browser.conftest import LogIn
from tests.support.service import Service

pytestmark = pytest.mark.services


def test_a_group_of_failures_is_retried_as_a_whole(service: Service, log_in: LogIn) -> None:
    webhook = arrivals.failed(service, pictures=5)
    person = log_in("support")
    person.page.get_by_role("link", name="Failures").first.click()
    person.page.get_by_role("row", name="gone").get_by_role("link", name="Retry").click()
    expect(person.page.get_by_role("row", name="gone")).to_contain_text("5")
    # What Twilio no longer has is retried only if it is selected.
    person.page.get_by_label("gone").check()
    person.page.get_by_role("button", name="Retry the chosen").click()
    expect(person.page.locator("#progress-text")).to_contain_text("5", timeout=40_000)
    arrivals.become(service, webhook, "stored")


def test_a_selection_is_retried_and_the_rest_is_left_alone(service: Service, log_in: LogIn) -> None:
    chosen, other = arrivals.failed(service), arrivals.failed(service)
    person = log_in("support")
    person.visit(f"/admin/mediapipe/mediaitem/?q={chosen.media[0].sid}")
    person.page.locator("#result_list .action-select").check()
    person.page.select_option("select[name=action]", label="Retry the selected ones…")
    person.page.get_by_role("button", name="Go").click()
    person.page.get_by_label("gone").check()
    person.page.get_by_role("button", name="Retry the chosen").click()
    arrivals.become(service, chosen, "stored")
    arrivals.become(service, other, "failed")
