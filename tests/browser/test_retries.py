"""Many failed items are retried together, from a period or from a selection."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from tests.browser import arrivals
from tests.browser.conftest import LogIn
from tests.support.service import Service

pytestmark = pytest.mark.services


def test_all_failures_of_a_period_are_retried_together(service: Service, log_in: LogIn) -> None:
    webhook = arrivals.failed(service, pictures=5)
    person = log_in("support")
    person.page.get_by_role("link", name="Failures").first.click()
    person.page.get_by_text("Actions for all of these").click()
    person.page.get_by_role("link", name="Retry all in this period").click()
    # Media that Twilio no longer has is retried only if its reason is selected.
    person.page.get_by_label("gone").check()
    person.page.get_by_role("button", name="Retry the selected").click()
    expect(person.page.locator("#progress-text")).to_contain_text("Done")
    arrivals.wait_for_status(service, webhook, "stored")


def test_only_the_selected_items_are_retried(service: Service, log_in: LogIn) -> None:
    chosen, other = arrivals.failed(service), arrivals.failed(service)
    person = log_in("support")
    person.visit(f"/admin/mediapipe/mediaitem/?q={chosen.media[0].sid}")
    person.page.locator("#result_list .action-select").check()
    person.page.select_option("select[name=action]", label="Retry the selected ones…")
    person.page.get_by_role("button", name="Go").click()
    person.page.get_by_label("gone").check()
    person.page.get_by_role("button", name="Retry the selected").click()
    arrivals.wait_for_status(service, chosen, "stored")
    arrivals.wait_for_status(service, other, "failed")


def test_the_progress_is_updated_again_after_an_outage_of_the_service(
    service: Service, log_in: LogIn
) -> None:
    webhook = arrivals.failed(service)
    person = log_in("support")
    person.visit(f"/admin/mediapipe/mediaitem/retry/?q={webhook.media[0].sid}")
    person.page.get_by_label("gone").check()
    person.page.get_by_role("button", name="Retry the selected").click()
    # The page refreshes until every item has ended, and then loads without a script.
    expect(person.page.locator("#live:not([data-refresh])")).to_be_attached()
    outage = [502]

    def progress(route: Route) -> None:
        if outage:
            route.fulfill(status=outage.pop(), body="<h1>Bad gateway</h1>")
        else:
            route.fulfill(json={"done": 1, "total": 2, "text": "1 of 2 processed."})

    person.page.route("**/jobs/*/", progress)
    person.page.add_script_tag(url="/static/mediapipe/progress.js")
    expect(person.page.locator("#progress-text")).to_have_text("1 of 2 processed.")
    assert ["502" in error for error in person.errors] == [True]
    person.errors.clear()
