"""What a person sees of a caller, and may do, depends on the role."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import arrivals
from tests.browser.conftest import LogIn
from tests.support.service import Service

pytestmark = pytest.mark.services


def test_a_viewer_sees_masked_numbers_and_no_retry_button(service: Service, log_in: LogIn) -> None:
    webhook = arrivals.failed(service)
    person = log_in("viewer")
    person.visit(f"/admin/mediapipe/webhookevent/?q={webhook['MessageSid']}")
    person.follow(person.page.locator("#result_list tbody th a").first)
    expect(person.page.locator("h1")).to_contain_text(webhook["MessageSid"])
    assert webhook["From"] not in person.page.content()
    person.find(webhook.media[0].sid)
    assert person.page.get_by_role("button", name="Retry now").count() == 0


@pytest.mark.parametrize("role", ["support", "administrator"])
def test_support_and_administrators_see_numbers_and_may_retry(
    service: Service, log_in: LogIn, role: str
) -> None:
    webhook = arrivals.failed(service)
    person = log_in(role)
    person.visit(f"/admin/mediapipe/webhookevent/?q={webhook['MessageSid']}")
    person.follow(person.page.locator("#result_list tbody th a").first)
    expect(person.page.get_by_text(webhook["From"]).first).to_be_visible()
    person.find(webhook.media[0].sid)
    expect(person.page.get_by_role("button", name="Retry now")).to_be_visible()


def test_only_an_administrator_may_manage_users(log_in: LogIn) -> None:
    assert log_in("administrator").visit("/admin/auth/user/") == 200
    for role in ("viewer", "support"):
        person = log_in(role)
        assert person.visit("/admin/auth/user/") == 403
        # Chromium itself reports the 403 as an error.
        person.errors.clear()
