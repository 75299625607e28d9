"""axe finds nothing serious on any page, light or dark."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.browser import arrivals
from tests.browser.person import DESKTOP, Scheme, in_front_of
from tests.support.service import Service

pytestmark = pytest.mark.services

PAGES = [
    "/admin/",
    "/admin/timing/",
    "/admin/failures/",
    "/admin/failures/reasons/",
    "/admin/mediapipe/mediaitem/",
    "/admin/mediapipe/webhookevent/",
    "/admin/mediapipe/incident/",
    "/admin/mediapipe/accounthealth/",
    "/admin/accounts/pause/",
    "/admin/mediapipe/mediaitem/give-up/",
]
SERIOUS = {"serious", "critical"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found(service: Service, browser: Browser, scheme: Scheme) -> None:
    webhook = arrivals.late(service)
    with in_front_of(browser, service.url, DESKTOP, scheme) as person:
        person.log_in("support")
        person.visit(f"/admin/mediapipe/mediaitem/?q={webhook.media[0].sid}")
        item = person.page.locator("#result_list tbody th a").first.get_attribute("href") or ""
        found = {}
        for path in [*PAGES, item]:
            assert person.visit(path) == 200, path
            violations = Axe().run(person.page).response["violations"]
            if serious := [told(one) for one in violations if one["impact"] in SERIOUS]:
                found[path] = serious
        assert found == {}


def told(violation: dict[str, object]) -> str:
    nodes = violation["nodes"]
    assert isinstance(nodes, list)
    return f"{violation['id']}: {[node['html'] for node in nodes][:5]}"
